"""Joint plans and offers for programs: asked for with a token that may read, in problems where they cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Scope
from tests.apps.plans.conftest import Town
from tests.apps.plans.joint_town import whole_town

pytestmark = pytest.mark.django_db


@pytest.fixture
def api(client: Client, town: Town, settings: Any, tmp_path: Path) -> Any:
    settings.BLOBS = tmp_path / "blobs"
    whole_town(town, tmp_path)

    def call(method: str, path: str, body: Any = None) -> Any:
        how = {"data": body, "content_type": "application/json"} if body is not None else {}
        auth = {"Authorization": f"Bearer {town.cast.token(Scope.READ)}"}
        return getattr(client, method)(f"/api{path}", headers=auth, **how)

    return call


def test_who_may_read_may_ask(api: Any) -> None:
    found = api("post", "/plans/joint", {"deadline_ms": 80, "rules": ["raw input stays"]}).json()
    chosen = found["versions"][found["chosen"]]
    assert chosen["on_front"] and chosen["plan"]["latency_ms"] <= 80
    assert {each["variant"] for each in found["versions"]} == {"small", "smaller"}


def test_only_what_is_named_is_planned(api: Any, town: Town) -> None:
    found = api("post", "/plans/joint", {"networks": ["smaller"], "devices": [str(town.pi.pk), str(town.cloud.pk)]}).json()
    assert {each["variant"] for each in found["versions"]} == {"smaller"}
    assert [each.device for each in town.planner.jointly[-1].runners] == ["pi-4", "server"]


@pytest.mark.parametrize(("body", "field"), [
    ({"rules": ["nonsense"]}, "rules.0"), ({"networks": ["none"]}, "networks.0"), ({"deadline_ms": 0}, "deadline_ms"),
    ({"floor": 2}, "floor"), ({"goal": "fame"}, "goal"), ({"strange": 1}, "strange"), ({"dataset": "none"}, "dataset"),
    ({"devices": ["00000000-0000-0000-0000-000000000000"]}, "devices.0"), ({"rules": ["use nowhere"]}, "rules.0")])
def test_what_cannot_be_asked_is_said_by_field(api: Any, body: dict[str, Any], field: str) -> None:
    answer = api("post", "/plans/joint", body)
    assert answer.status_code == 422 and field in answer.json()["errors"], answer.json()


def test_a_silent_planner_is_a_503(api: Any, town: Town) -> None:
    town.planner.silent = True
    assert api("post", "/plans/joint", {}).status_code == 503


def test_the_example_is_there_for_programs_too(api: Any) -> None:
    found = api("post", "/plans/joint", {"example": True}).json()
    assert {each["plan"]["kind"] for each in found["versions"] if each["plan"]} == {"emulated"}


def test_offers_are_listed(api: Any, town: Town) -> None:
    found = api("get", "/plans/offers").json()
    assert found["total"] == 1
    assert found["items"][0]["device"] == str(town.pi.pk) and found["items"][0]["body"]["layer"] == "max-pool, int8"
    assert api("get", "/plans/offers?network=smaller").json()["total"] == 0
