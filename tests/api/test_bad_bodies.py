"""What cannot be read, or is not known, is refused with a problem that says so: never a crash, never a library's text."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apps.experiments.models import Experiment
from tests.api.conftest import Ask

HUGE = "9" * 30


def problem_of(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.content[:300]
    assert answer["Content-Type"] == "application/problem+json"
    said: dict[str, Any] = answer.json()
    assert said["status"] == status and said["title"]
    return said


@pytest.mark.parametrize("body", [
    "{", "", '{"name": NaN}', '{"name": Infinity}', '{"name": 1e400}', '{"name": "a", "name": "b"}', f'{{"name": {HUGE}}}',
    "[" * 100_000, '{"name":' * 40 + "1" + "}" * 40, b"\xff\xfe", b"\xef\xbb\xbf{}", "\x1f\x8b\x08\x00gzip"])
def test_a_body_that_is_no_plain_json_is_a_400_or_422(ask: Ask, body: Any) -> None:
    said = problem_of(ask("POST", "/portfolios", body), 422 if body == "" else 400)
    assert "json.decoder" not in str(said) and "Traceback" not in str(said)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "x"])
def test_another_content_type_is_a_415(ask: Ask, kind: str) -> None:
    assert "application/json" in problem_of(ask("POST", "/portfolios", '{"name": "x"}', type=kind), 415)["title"]


def test_a_compressed_body_is_not_unpacked(ask: Ask) -> None:
    import gzip

    bomb = gzip.compress(b" " * 10_000_000)
    problem_of(ask("POST", "/portfolios", bomb, **{"Content-Encoding": "gzip"}), 400)


@pytest.mark.parametrize("field", ["team_id", "author", "state", "version", "is_staff", "lease_owner", "id"])
def test_a_field_that_is_not_asked_for_is_refused_by_its_name(ask: Ask, field: str) -> None:
    said = problem_of(ask("POST", "/portfolios", {"name": "x", field: "approved"}), 422)
    assert said["field"] == field and said["errors"][field] == "is not known here"
    assert said["title"] == f"{field}: is not known here"


def test_no_route_takes_a_field_that_it_does_not_name() -> None:
    from edgeportal.api import api

    whole = json.loads(json.dumps(api.get_openapi_schema()))
    taken = [route.get("requestBody", {}).get("content", {}) for path in whole["paths"].values() for route in path.values()]
    bodies = [each["application/json"]["schema"] for each in taken if "application/json" in each]
    assert len(bodies) > 20
    named = {f"#/components/schemas/{name}": schema for name, schema in whole["components"]["schemas"].items()}
    assert not [body for body in bodies if named.get(body.get("$ref"), body).get("additionalProperties") is not False]


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
def test_text_that_nobody_can_keep_is_refused_with_its_field(ask: Ask, text: str) -> None:
    assert problem_of(ask("POST", "/portfolios", {"name": text}), 422)["field"] == "name"
    assert problem_of(ask("POST", "/experiments", {"recipe": "training.backprop", "params": {"model": [text]}}), 422)


def test_a_name_of_megabytes_is_refused(ask: Ask) -> None:
    for size in (3_000_000, 10_000_000):
        problem_of(ask("POST", "/portfolios", {"name": "x" * size}), 413)
    assert problem_of(ask("POST", "/portfolios", {"name": "x" * 1_000_000}), 422)["field"] == "name"


@pytest.mark.parametrize(("query", "field"), [
    ("order=user__password", "order"), ("order=-team__name", "order"), ("page=0", "page"), ("page=1000000000", "page"),
    ("page_size=1000000", "page_size"), ("page_size=201", "page_size"), ("page=x", "page"),
    ("user__password=x", "user__password"),
    ("status=nothing", "status"), ("experiment=x", "experiment"), ("q=" + "x" * 401, "q"), ("q=%00", "q")])
def test_a_list_refuses_what_it_does_not_know_and_says_what_it_does(ask: Ask, query: str, field: str) -> None:
    said = problem_of(ask("GET", f"/runs?{query}"), 422)
    assert said["field"] == field
    if field in ("order", "user__password", "status"):
        assert "," in said["errors"][field], "the allowed ones are named"


def test_wildcards_in_a_search_are_plain_text(ask: Ask, things: dict[str, Any]) -> None:
    assert ask("GET", "/models?q=Secret").json()["total"] == 3
    for wild in ("%25", "_", "Sec%25", "S_cret"):
        assert ask("GET", f"/models?q={wild}").json()["total"] == 0


def test_a_page_after_the_last_is_empty(ask: Ask, things: dict[str, Any]) -> None:
    assert ask("GET", "/models?page=99999").json() == {"items": [], "total": 3, "page": 99999, "page_size": 25}


@pytest.mark.parametrize("path", ["/nothing", "/runs/not-an-id", "/runs/%00", "/recipes/../etc", "/recipes/%00", "/", "/runs/"])
def test_an_address_that_is_not_there_is_a_problem_too(ask: Ask, path: str) -> None:
    problem_of(ask("GET", path), 404)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "OPTIONS"])
def test_a_method_that_an_address_does_not_take_is_a_405_with_those_it_takes(ask: Ask, method: str) -> None:
    answer = ask(method, "/runs")
    problem_of(answer, 405)
    assert "GET" in answer["Allow"]


def test_a_failed_call_changes_nothing(ask: Ask, things: dict[str, Any]) -> None:
    before = Experiment.objects.count()
    body = {"recipe": "training.backprop", "params": {"model": str(things["variant"].pk), "epochs": -1}, "repeat": 3}
    said = problem_of(ask("POST", "/experiments", body), 422)
    assert "epochs" in said["errors"] and Experiment.objects.count() == before
