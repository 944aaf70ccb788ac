"""Transfer layers as an option of each cut on the planner's page: what they may cost, what the plan says, what is run."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.test import Client

from apps.catalog.models import Blob, Variant
from apps.experiments import evidence
from apps.plans.models import SavedPlan, TransferOffer
from apps.plans.wanted import Wanted
from tests.apps.plans.conftest import Planner, Town
from tests.apps.plans.joint_town import left, offer, variant
from worker.planning.offers import written

pytestmark = pytest.mark.django_db
SHA256 = "cd" * 32
# The rules under which the layer pays: the input stays, and what leaves the board is small.
ASKED = {"network": "small", "rule": ["raw input stays", "pi-4 sends at most 0.05 MB"]}


@pytest.fixture(autouse=True)
def store(settings: Any, tmp_path: Path) -> None:
    settings.BLOBS = tmp_path / "blobs"


@pytest.fixture
def offered(town: Town, tmp_path: Path, client: Client) -> Client:
    left(town, tmp_path, written([offer(variant_sha256=SHA256, inner_after="transfer_down_1")]))
    client.force_login(town.cast.mia)
    return client


def address(**more: Any) -> str:
    return urlencode(ASKED | more, doseq=True)


def page(client: Client, **more: Any) -> str:
    answer = client.get(f"/planner/?{address(**more)}")
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def told(client: Client, **more: Any) -> Any:
    answer = client.get(f"/planner/answer/?{address(**more)}")
    assert answer.status_code == 200
    return answer.json()


def test_a_plan_has_one_only_where_it_may_cost_what_it_costs(offered: Client) -> None:
    assert [told(offered, **more)["layers"] for more in ({}, {"max_drop": "1"}, {"max_drop": "2"})] == [0, 0, 1]
    best = told(offered, max_drop="2")["plans"][0]
    assert best["transfer"]["layer"] == "max-pool, int8" and best["transfer"]["bytes"] == 25_000
    assert (best["transfer"]["accuracy"], best["transfer"]["accuracy_whole"], best["transfer"]["n"]) == (0.93, 0.95, 500)
    assert best["latency_ms"] <= told(offered)["plans"][0]["latency_ms"]


def test_without_offers_an_answer_is_the_same_whatever_they_may_cost(client: Client, town: Town) -> None:
    client.force_login(town.cast.mia)
    plain, allowed = told(client), told(client, max_drop="5")
    assert {**plain, "took_ms": 0} == {**allowed, "took_ms": 0}
    assert 'id="max_drop"' not in page(client)
    assert "None was measured for small yet" in page(client, max_drop="5")


def test_the_page_says_what_there_is_and_what_a_plan_with_one_sends_costs_and_where_it_was_measured(offered: Client) -> None:
    text = page(offered)
    assert "1 was measured for small and costs 2 points. Empty: no plan has one." in text
    text = re.sub(r"<[^>]*>", "", page(offered, max_drop="2"))
    assert "It costs 2 points of accuracy: 93 % instead of 95 % of 500 test images of digits right." in text
    assert re.search(r"max-pool, int8 behind stem\.conv: 25(\.0)?.kB instead of 400.kB; its halves take", text)
    assert re.search(r"Right: 93(\.0)?.% instead of 95(\.0)?.% of 500 images of digits\. Without it this plan takes", text)


def test_what_cannot_be_read_is_said_at_its_field_and_kept(offered: Client) -> None:
    answer = offered.get(f"/planner/?{address(max_drop='two')}")
    text = unescape(answer.content.decode())
    assert answer.status_code == 422
    assert "This must be a number of points of accuracy from 0 to 100" in text and 'value="two"' in text


def test_the_address_and_what_is_wanted_say_the_same() -> None:
    wanted = Wanted(network="small", max_drop=0.5)
    assert wanted.query() == "network=small&max_drop=0.5"
    assert "max_drop" not in Wanted(network="small").query()


def test_run_this_plan_leads_to_the_network_with_the_layer_inside_cut_in_its_middle(offered: Client, town: Town) -> None:
    before = variant(town, "small")
    made = Variant.objects.create(
        team=town.cast.team, model=before.model, name="small with max-pool", size_bytes=1, params=1, macs=1, activation_bytes=1,
        file=Blob.objects.create(sha256=SHA256, size_bytes=1))
    found = re.search(r'href="(/experiments/new/partitioning\.slices/\?[^"]*)">Run this plan', page(offered, max_drop="2"))
    assert found
    form = {name: values[0] for name, values in parse_qs(urlsplit(found[1]).query).items()}
    assert form["model"] == str(made.pk) and "pi-4 until transfer_down_1\n" in form["plan"]


def test_the_table_says_which_hop_has_one(offered: Client) -> None:
    answer = offered.get(f"/planner/plans.csv?{address(max_drop='2')}")
    lines = b"".join(answer.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
    assert lines[0].endswith("transfer_layer,raw_bytes,accuracy,accuracy_whole")
    assert sum("max-pool, int8 behind stem.conv" in line for line in lines) >= 1


def test_a_run_that_plans_is_given_what_is_offered_as_its_devices_are_called_now(offered: Client, town: Town) -> None:
    town.pi.name = "board"
    town.pi.save()
    given = evidence.to_plan(town.cast.team, ["small"])
    assert [(each.title, each.device, each.network) for each in given.offers] == [
        ("max-pool, int8 behind stem.conv", "board", "small")]
    assert evidence.to_plan(town.cast.team, ["other"]).offers == ()


def saved(client: Client, **more: Any) -> str:
    """The address of a plan that is kept: the best one."""
    best = told(client, **more)["plans"][0]["key"]
    answer = client.post("/planner/saved/save/", {"query": address(**more), "plan": best, "name": "kept"})
    assert answer.status_code == 302
    return str(answer["Location"])


def test_a_kept_plan_says_its_layer_and_is_held_against_what_is_offered_later(
        offered: Client, town: Town, tmp_path: Path) -> None:
    where = saved(offered, max_drop="2")
    text = re.sub(r"<[^>]*>", "", unescape(offered.get(where).content.decode()))
    assert "max-pool, int8 behind stem.conv: 25" in text and re.search(r"those that cost at most 2(\.0*)? points", text)
    town.after(lambda: left(town, tmp_path, written([offer(accuracy=0.94, bytes=20_000)])))
    text = unescape(offered.get(where).content.decode())
    assert "was measured anew: 94 % right, 20 kB; it was 93 % right, 25 kB." in text
    assert offered.get(f"/api/plans/{where.rstrip('/').rsplit('/', 1)[1]}").json()["state"] == "stale"


def test_a_kept_plan_says_what_it_takes_with_its_layer_once_the_same_cut_is_faster_without_it(
        offered: Client, town: Town) -> None:
    asked = {"rule": ["raw input stays", "blocks 1-1 in pi-4", "blocks 2-3 in box"], "max_drop": "2"}
    where = saved(offered, **asked)
    town.after(lambda: town.link(town.pi, town.box, 5, 100_000))
    api = f"/api/plans/{where.rstrip('/').rsplit('/', 1)[1]}"
    found = SavedPlan.objects.get()
    assert found.own_now is not None and found.own_now["transfer"]["layer"] == "max-pool, int8"
    assert found.state == "stale" and found.best_now["transfer"] is None
    assert found.own_now["latency_ms"] > found.best_now["latency_ms"]
    text = unescape(offered.get(where).content.decode())
    assert "Keep this plan" in text and "cannot be said" not in text
    kept = offered.post(f"{api}/refresh", json.dumps({"keep": True}), content_type="application/json")
    assert kept.status_code == 200, kept.content
    assert SavedPlan.objects.get().plan["transfer"]["layer"] == "max-pool, int8" and SavedPlan.objects.get().rank is None


def test_another_layer_that_makes_no_better_plan_leaves_a_kept_one_up_to_date(
        offered: Client, town: Town, tmp_path: Path) -> None:
    where = saved(offered, max_drop="2")
    town.after(lambda: left(town, tmp_path, written([offer(layer="slow", down_s=5.0)])))
    state = offered.get(f"/api/plans/{where.rstrip('/').rsplit('/', 1)[1]}").json()
    assert state["state"] == "fresh", json.dumps(state["changes"])
    assert "A transfer layer is offered now: slow behind stem.conv" in state["changes"][0]["text"]


def test_no_question_has_offers_that_nobody_allowed(offered: Client, planner: Planner) -> None:
    told(offered)
    assert TransferOffer.objects.count() == 1 and planner.asked[-1].offers == ()
