"""Programs are told beside the plans which hops the portal would relay, as pages are; nothing where all boards are reached."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Scope
from apps.devices.models import Agent
from apps.experiments.relays import UNPREDICTED
from tests.apps.plans.conftest import Town
from tests.apps.plans.joint_town import whole_town
from worker.planning import Answer

pytestmark = pytest.mark.django_db
OPEN = {"can_host": True, "data_port": 7443, "data_fingerprint": "ab" * 32}
ASKED = {"network": "small", "rules": ["raw input stays"]}
PAGE = "?network=small&rule=raw+input+stays"
TO_BOX = {"sender": "pi-4", "receiver": "box"}
SAID = "pi-4 → box is relayed by the portal, as box takes no connections"


@pytest.fixture(autouse=True)
def _agents(town: Town, client: Client, settings: Any, tmp_path: Path) -> None:
    """On each device one that takes no connections."""
    settings.BLOBS = tmp_path / "blobs"
    client.force_login(town.cast.mia)
    for device in (town.pi, town.box, town.cloud):
        Agent.objects.create(device=device, prefix=str(device.pk)[:8], digest="", can_host=True)


@pytest.fixture
def api(client: Client, town: Town) -> Any:
    def call(path: str, body: Any = None) -> Any:
        how = {"data": body, "content_type": "application/json"} if body is not None else {}
        auth = {"Authorization": f"Bearer {town.cast.token(Scope.WRITE)}"}
        answer = getattr(client, "get" if body is None else "post")(f"/api{path}", headers=auth, **how)
        assert answer.status_code in (200, 201), answer.content[:500]
        return answer.json()

    return call


def lines(client: Client, address: str) -> list[dict[str, str]]:
    answer = client.get(address)
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))  # type: ignore[attr-defined]


def says(told: dict[str, Any]) -> None:
    assert TO_BOX in told["relayed"] and SAID in told["relayed_note"] and told["relayed_note"].endswith(UNPREDICTED)


def says_nothing(told: dict[str, Any]) -> None:
    assert told["relayed"] == [] and told["relayed_note"] == ""


def test_the_answer_of_the_page_and_that_of_the_api_say_it_beside_the_plans(client: Client, api: Any) -> None:
    says(client.get(f"/planner/answer/{PAGE}").json())
    says(found := api("/plans/ask", ASKED))
    assert Answer.model_validate({name: found[name] for name in Answer.model_fields}).plans
    Agent.objects.update(**OPEN)
    says_nothing(client.get(f"/planner/answer/{PAGE}").json())
    says_nothing(api("/plans/ask", ASKED))


def test_a_result_that_goes_back_is_none_of_them(api: Any, town: Town) -> None:
    Agent.objects.filter(device__in=(town.box, town.cloud)).update(**OPEN)
    found = api("/plans/ask", {**ASKED, "returns": True})
    assert any(hop["receiver"] == "pi-4" for plan in found["plans"] for hop in plan["hops"])
    says_nothing(found)


def test_joint_answers_say_it_too_but_not_of_the_example(client: Client, api: Any, town: Town, tmp_path: Path) -> None:
    whole_town(town, tmp_path)
    for told in (client.get("/planner/joint/answer/").json(), api("/plans/joint", {})):
        assert told["relayed"] and told["relayed_note"].endswith(UNPREDICTED)
    says_nothing(api("/plans/joint", {"example": True}))
    says_nothing(client.get("/planner/joint/answer/?example=on").json())
    Agent.objects.update(**OPEN)
    says_nothing(api("/plans/joint", {}))


def test_a_saved_plan_says_it_when_it_is_saved_and_as_things_stand_later(api: Any) -> None:
    key = api("/plans/ask", ASKED)["plans"][0]["key"]
    made = api("/plans", {**ASKED, "name": "one", "plan": key})
    says(made)
    says(api(f"/plans/{made['id']}"))
    Agent.objects.update(**OPEN)
    says_nothing(api(f"/plans/{made['id']}"))


def test_tables_say_it_of_each_hop(client: Client, town: Town, tmp_path: Path) -> None:
    saved = town.save()
    for address in (f"/planner/plans.csv{PAGE}", f"/planner/saved/{saved.pk}/plan.csv"):
        Agent.objects.update(data_port=None)
        assert {(row["part"], row["relayed"]) for row in lines(client, address)} == {("stage", ""), ("hop", "yes")}
        Agent.objects.update(**OPEN)
        assert {row["relayed"] for row in lines(client, address)} == {"", "no"}


def test_the_table_of_joint_plans_names_the_ways_of_each_plan(client: Client, town: Town, tmp_path: Path) -> None:
    whole_town(town, tmp_path)
    rows = lines(client, "/planner/joint/versions.csv")
    assert any(row["relayed"] for row in rows)
    assert all("→" in row["relayed"] for row in rows if "→" in row["devices"])
    Agent.objects.update(**OPEN)
    assert not any(row["relayed"] for row in lines(client, "/planner/joint/versions.csv"))
