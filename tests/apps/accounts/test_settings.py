"""What the environment says about mail, and how the cache writes."""

from __future__ import annotations

import pickle

import pytest
from django.core.cache import cache

from edgeportal import mail
from edgeportal.plain_cache import Plain


@pytest.mark.parametrize(("environ", "server"), [
    ({}, mail.Server()),
    ({"EMAIL_URL": "smtp+tls://ada:p%40ss@mail.example.org"}, mail.Server("mail.example.org", 587, "ada", "p@ss", True)),
    ({"EMAIL_URL": "smtps://mail.example.org:2465"}, mail.Server("mail.example.org", 2465, tls=True)),
    ({"EMAIL_HOST": "mail.example.org", "EMAIL_USE_TLS": "1"}, mail.Server("mail.example.org", 587, starttls=True)),
])
def test_the_mail_server_is_read_from_the_environment(environ: dict[str, str], server: mail.Server) -> None:
    assert mail.server(environ) == server and bool(server) == bool(environ)


@pytest.mark.parametrize("url", ["mail.example.org", "http://mail.example.org", "smtp://"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="EMAIL_URL must look like"):
        mail.server({"EMAIL_URL": url})


def test_the_cache_is_redis_and_keeps_json() -> None:
    cache.set("attempts", [1.5, 2.5], 5)
    cache.set("count", 1, 5)
    assert cache.incr("count") == 2
    assert cache.get_many(["attempts", "count"]) == {"attempts": [1.5, 2.5], "count": 2}


def test_nothing_that_was_pickled_is_read() -> None:


    with pytest.raises(ValueError, match=r"."):
        Plain().loads(pickle.dumps([1]))
