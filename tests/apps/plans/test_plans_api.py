"""Plans for programs: asked for, saved, brought up to date; with a scope that allows it, in problems where it cannot be."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Scope
from apps.live.asking import TooLong
from tests.apps.plans.conftest import Town

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(client: Client, town: Town) -> Any:
    def call(method: str, path: str, body: Any = None, scope: Scope = Scope.WRITE) -> Any:
        how = {"data": body, "content_type": "application/json"} if body is not None else {}
        auth = {"Authorization": f"Bearer {town.cast.token(scope)}"}
        return getattr(client, method)(f"/api{path}", headers=auth, **how)

    return call


ASKED = {"network": "small", "rules": ["raw input stays"]}


def test_what_can_be_planned_is_listed(api: Any) -> None:
    found = api("get", "/plans/networks", scope=Scope.READ).json()
    assert found == {"items": [{"name": "small", "devices": 3, "measured": 3, "predicted": 0, "emulated": 0}]}


def test_who_may_read_may_ask(api: Any) -> None:
    found = api("post", "/plans/ask", ASKED, Scope.READ)
    assert found.status_code == 200 and found.json()["plans"][0]["words"] == "block 1 on pi-4, 2-3 on box"


@pytest.mark.parametrize(("more", "field"), [
    ({"rules": ["nonsense"]}, "rules.0"), ({"network": "none"}, "network"), ({"count": 0}, "count"), ({"strange": 1}, "strange"),
    ({"rules": ["use nowhere"]}, "rules.0"), ({"range": {"low": 5, "high": 2}}, "range"),
    ({"devices": ["00000000-0000-0000-0000-000000000000"]}, "devices.0")])
def test_what_cannot_be_asked_is_said_by_field(api: Any, more: dict[str, Any], field: str) -> None:
    answer = api("post", "/plans/ask", {**ASKED, **more})
    assert answer.status_code == 422 and field in answer.json()["errors"], answer.json()


def test_a_silent_planner_is_a_503(api: Any, town: Town) -> None:
    town.planner.silent = True
    answer = api("post", "/plans/ask", ASKED)
    assert answer.status_code == 503 and answer["Retry-After"] and "does not answer" in answer.json()["title"]


def test_what_takes_too_long_is_a_503_in_a_sentence(api: Any, town: Town) -> None:
    town.planner.fails = lambda _: TooLong("It would take too long.")
    answer = api("post", "/plans/ask", ASKED)
    assert answer.status_code == 503 and answer.json()["title"] == "It would take too long."


@pytest.mark.parametrize(("typed", "kept"), [("a\u202eb\u200bc", "abc"), (" x\u2066 ", "x"), ("\u202e", None), ("a\x00b", None),
                                             ("a\u0007", None)])
def test_a_name_keeps_nothing_that_nobody_sees_as_names_elsewhere_do(api: Any, town: Town, typed: str, kept: str | None) -> None:
    plan = town.save("one")
    answer = api("patch", f"/plans/{plan.pk}", {"name": typed})
    assert answer.status_code == (200 if kept else 422)
    plan.refresh_from_db()
    assert plan.name == (kept or "one")


def test_a_plan_lives_by_the_api(api: Any, town: Town) -> None:
    key = api("post", "/plans/ask", ASKED).json()["plans"][0]["key"]
    made = api("post", "/plans", {**ASKED, "name": "one", "plan": key})
    assert made.status_code == 201 and made.json()["band"][0]["low"] == pytest.approx(3200 / 115)
    path = f"/plans/{made.json()['id']}"
    assert api("post", "/plans", {**ASKED, "name": "one", "plan": key}).json()["errors"].keys() == {"name"}
    assert api("patch", path, {"name": "two"}).json()["name"] == "two"
    town.after(lambda: town.link(town.pi, town.box, 5, 20))
    listed = api("get", "/plans?state=stale").json()
    assert [(each["name"], each["own_now_ms"], each["best_now_ms"]) for each in listed["items"]] == [("two", 245.0, 200.0)]
    assert {listed["items"][0][f"{name}_kind"] for name in ("latency", "own_now", "best_now")} == {"predicted"}
    assert api("post", f"{path}/refresh", {"keep": True}).json()["latency_ms"] == 245.0
    assert api("post", f"{path}/refresh", {}).json()["rank"] == 1
    assert api("delete", path).status_code == 204 and api("get", path).status_code == 404


def test_a_token_to_read_saves_nothing(api: Any) -> None:
    assert api("post", "/plans", {**ASKED, "name": "one", "plan": "x"}, Scope.READ).status_code == 403
