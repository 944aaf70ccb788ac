"""A form that holds too much is refused in words for who typed it; a program is told in its own form."""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.test import Client

from edgeportal.bodies import bounded
from tests.apps.cast import gather


def test_a_form_over_its_limit_is_a_413_that_says_how_much_it_may_hold(db: None) -> None:
    client = Client()
    client.force_login(gather().alice)
    answer = client.post("/account/", f"name={'x' * 3_000_000}", "application/x-www-form-urlencoded")
    said = " ".join(re.sub("<[^>]+>", "", answer.content.decode()).replace("\u00a0", " ").split())
    assert answer.status_code == 413 and re.search(r"A form takes 2(\.0+)? MB of text", said), said


@pytest.mark.parametrize(("path", "accept", "kind"), [
    ("/account/", b"text/html,*/*", "text/html; charset=utf-8"), ("/account/", b"*/*", "application/problem+json"),
    ("/api/portfolios", b"text/html", "application/problem+json")])
def test_a_body_over_the_limit_of_the_house_is_told_to_people_as_a_page(path: str, accept: bytes, kind: str) -> None:
    said: list[dict[str, Any]] = []

    async def never(*_: object) -> None:
        raise AssertionError("it was read")

    async def send(message: Any) -> None:
        said.append(message)

    scope = {"path": path, "headers": [(b"content-length", b"10000000"), (b"accept", accept)]}
    with ThreadPoolExecutor(1) as thread:  # an open browser keeps its loop in the main thread
        thread.submit(asyncio.run, bounded(never)(scope, never, send)).result()  # type: ignore[arg-type]
    assert said[0]["status"] == 413 and dict(said[0]["headers"])[b"content-type"].decode() == kind
    assert b"The request is too large." in said[1]["body"]
