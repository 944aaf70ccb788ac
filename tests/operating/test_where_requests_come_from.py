"""Only proxies that were named are believed; a forged X-Forwarded-* changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from edgeportal.proxies import proxies

HTTPS = ("HTTP_X_FORWARDED_PROTO", "https")


def seen(settings: Any, trusted: list[str], **meta: str) -> HttpRequest:
    """The request as the views see it."""
    settings.TRUSTED_PROXIES, settings.ALLOWED_HOSTS = trusted, ["portal.example.org"]
    settings.SECURE_PROXY_SSL_HEADER = HTTPS if trusted else None
    request = RequestFactory().get("/", **meta)  # type: ignore[arg-type]
    proxies(lambda _: HttpResponse())(request)
    return request


FORGED = {"HTTP_X_FORWARDED_FOR": "10.9.9.9", "HTTP_X_FORWARDED_PROTO": "https", "HTTP_X_FORWARDED_HOST": "evil.example",
          "HTTP_X_REQUEST_ID": "mine", "HTTP_FORWARDED": "for=10.9.9.9"}


@pytest.mark.parametrize("trusted", [[], ["10.0.0.0/8"]])
def test_what_a_stranger_forges_is_forgotten(settings: Any, trusted: list[str]) -> None:
    request = seen(settings, trusted, REMOTE_ADDR="203.0.113.9", **FORGED)
    assert request.META["REMOTE_ADDR"] == "203.0.113.9"
    assert not request.is_secure()
    assert not any(name in request.META for name in FORGED)


def test_a_trusted_proxy_tells_who_the_visitor_is(settings: Any) -> None:
    request = seen(settings, ["10.0.0.0/8"], REMOTE_ADDR="10.0.0.2", HTTP_X_FORWARDED_FOR="198.51.100.7",
                   HTTP_X_FORWARDED_PROTO="https")
    assert request.META["REMOTE_ADDR"] == "198.51.100.7" and request.is_secure()


@pytest.mark.parametrize(("told", "believed"), [
    ("1.1.1.1, 198.51.100.7", "198.51.100.7"),
    ("1.1.1.1, 198.51.100.7, 10.0.0.3", "198.51.100.7"),
    ("<script>, 198.51.100.7", "198.51.100.7"),
    ("198.51.100.7, <script>", "10.0.0.2"),
    ("2001:db8::7", "2001:db8::7"),
    ("", "10.0.0.2"),
])
def test_only_the_last_hop_before_our_proxies_counts(settings: Any, told: str, believed: str) -> None:
    request = seen(settings, ["10.0.0.0/8"], REMOTE_ADDR="10.0.0.2", HTTP_X_FORWARDED_FOR=told)
    assert request.META["REMOTE_ADDR"] == believed


@pytest.mark.django_db
def test_a_request_id_of_a_trusted_proxy_is_kept_and_anybody_elses_is_not(client: Client, settings: Any) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.2"]
    client = Client()  # Middleware reads the setting when it is made.
    trusted = client.get("/sign-in/", REMOTE_ADDR="10.0.0.2", HTTP_X_REQUEST_ID="abc-1", HTTP_X_FORWARDED_FOR="198.51.100.7")
    assert trusted["X-Request-ID"] == "abc-1"
    for how in ({"REMOTE_ADDR": "203.0.113.9", "HTTP_X_REQUEST_ID": "abc-1"},
                {"REMOTE_ADDR": "10.0.0.2", "HTTP_X_REQUEST_ID": "a b\u2028c" * 50}):
        made = client.get("/sign-in/", **how)["X-Request-ID"]  # type: ignore[arg-type]
        assert len(made) == 32 and made.isalnum()
