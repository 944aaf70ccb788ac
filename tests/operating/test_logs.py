"""Log lines: JSON in production, with the request or the run they belong to; no secret in them."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import Client
from django.urls import path

from apps.live.about import saying
from edgeportal import urls
from edgeportal.logs import Json, Lines, masked


def record(text: str, *values: object, **more: Any) -> logging.LogRecord:
    made = logging.LogRecord("apps.x", logging.WARNING, "x.py", 1, text, values, None)
    made.__dict__ |= more
    return made


@pytest.mark.parametrize(("text", "kept"), [
    ("Not Found: /enter/Zm9vYmFy-abc_1/", "Not Found: /enter/[secret]"),
    ("GET /invitations/Zm9vYmFyLWFiY18x/ 200", "GET /invitations/[secret] 200"),
    ("token ep_4f3a_Zm9vYmFyLWFiY18x refused", "token ep_[secret] refused"),
    ("Authorization: Bearer eyJhbGciOi.x.y", "Authorization: Bearer [secret]"),
    ("postgresql://edgeportal:hunter2@db/edgeportal", "postgresql://edgeportal:[secret]@db/edgeportal"),
    ("redis://:hunter2@cache:6379/0 is away", "redis://:[secret]@cache:6379/0 is away"),
    ("GET /runs/4f3a/ 200 in 3 ms", "GET /runs/4f3a/ 200 in 3 ms"),
])
def test_secrets_are_masked_and_the_rest_of_the_line_stays(text: str, kept: str) -> None:
    assert masked(text) == kept


def test_a_line_of_both_kinds_is_masked_with_its_trace() -> None:
    try:
        raise ValueError("no way to /enter/abcdefgh1234/")
    except ValueError as error:
        made = record("failed at %s", "/enter/abcdefgh1234/", exc_info=(ValueError, error, error.__traceback__))
    for formatter in (Lines("%(message)s"), Json()):
        assert "abcdefgh1234" not in formatter.format(made)
        made.exc_text = None


def test_a_line_in_production_says_whose_it_is() -> None:
    with saying(run="r-1", attempt="2"):
        line = json.loads(Json().format(record("run %s goes\non", 7)))
    assert (line["level"], line["logger"], line["message"], line["run"], line["attempt"]) == (
        "warning", "apps.x", "run 7 goes\non", "r-1", "2")
    assert line["time"].endswith("+00:00")
    assert "run" not in json.loads(Json().format(record("later")))


def broken(request: HttpRequest) -> None:
    raise RuntimeError("/srv/secret/path")


broken.login_required = False  # type: ignore[attr-defined]


@pytest.fixture
def broken_pages(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    from django.urls import clear_url_caches

    monkeypatch.setattr(urls, "urlpatterns", [path("broken/", broken), path("api/broken/", broken), *urls.urlpatterns])
    clear_url_caches()


@pytest.mark.django_db
def test_a_broken_page_and_a_broken_route_give_the_number_under_which_the_log_has_it(
    broken_pages: None, caplog: pytest.LogCaptureFixture,
) -> None:
    client = Client(raise_request_exception=False)
    page, route = client.get("/broken/"), client.get("/api/broken/")
    assert page.status_code == route.status_code == 500
    assert page["X-Request-ID"] in page.content.decode() and "/srv/secret" not in page.content.decode()
    assert route["Content-Type"] == "application/problem+json"
    assert route.json()["request_id"] == route["X-Request-ID"] and "/srv/secret" not in route.content.decode()
    lines = [json.loads(Json().format(one)) for one in caplog.records if one.name == "django.request"]
    assert [line["request"] for line in lines] == [page["X-Request-ID"], route["X-Request-ID"]]
