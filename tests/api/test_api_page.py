"""The page about the API shows every route, its fields, and a line to copy; the schema itself needs no sign-in."""

from __future__ import annotations

import re

from django.test import Client

from tests.apps.addresses import routes_of_the_api
from tests.apps.cast import Cast


def test_every_route_is_on_the_page_with_a_line_to_copy(cast: Cast) -> None:
    client = Client()
    client.force_login(cast.victor)
    text = client.get("/docs/api/").content.decode()
    for route in routes_of_the_api():
        method, _, path = route.name.partition(" ")
        assert f"{method}</b> <code>/api{path}</code>" in text, route.name
    assert len(re.findall(r'<code id="curl-\w+">curl ', text)) == len(routes_of_the_api())


def test_the_page_needs_no_script_or_style_of_its_own(cast: Cast) -> None:
    client = Client()
    client.force_login(cast.victor)
    text = client.get("/docs/api/").content.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=", text)


def test_the_schema_is_open_and_read_only(cast: Cast) -> None:
    answer = Client().get("/api/openapi.json")
    assert answer.status_code == 200 and answer.json()["openapi"].startswith("3.1")
    assert Client().post("/api/openapi.json").status_code == 405


def test_every_route_says_in_words_what_it_does_and_which_problems_it_answers() -> None:
    for path, methods in Client().get("/api/openapi.json").json()["paths"].items():
        for method, route in methods.items():
            assert {"401", "404", "422", "429"} <= set(route["responses"]), f"{method} {path}"
            assert route.get("tags") and route.get("description"), f"{method} {path}"
