"""The page of joint plans: what stands in its address is planned and painted, with JavaScript and without."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.devices.models import Device, Profile
from apps.experiments.models import Status
from tests.apps.plans.conftest import Town
from tests.apps.plans.joint_town import left, measured, offer, variant, whole_town
from worker.planning.offers import written

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def store(settings: Any, tmp_path: Path) -> None:
    settings.BLOBS = tmp_path / "blobs"


@pytest.fixture
def victor(town: Town, client: Client) -> Client:
    client.force_login(town.cast.victor)
    return client


@pytest.fixture
def full(town: Town, tmp_path: Path) -> Town:
    whole_town(town, tmp_path)
    return town


def state(page: str) -> dict[str, Any]:
    found = re.search(r'id="joint-state" type="application/json">(.*?)</script>', page, re.S)
    assert found, page[:2000]
    told: dict[str, Any] = json.loads(found[1])
    return told


def shown(client: Client, query: str = "", name: str = "", status: int = 200) -> str:
    answer = client.get(f"/planner/joint/{name}?{query}")
    assert answer.status_code == status, answer.content[:800]
    return answer.content.decode()


def told(client: Client, query: str = "") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shown(client, query, "answer/"))
    return found


def test_the_first_paint_has_the_chart_the_choice_and_the_table_in_it(full: Town, victor: Client) -> None:
    page = shown(victor)
    assert "What nothing beats" in page and 'id="joint-chart"' in page and 'class="plan joint-bar best"' in page
    assert "n = 500" in page and "no plan was run" in page and "style=" not in page
    assert state(page)["verdict"].endswith("95 % right, n = 500.")


def test_intervals_of_few_images_are_drawn_whole(town: Town, tmp_path: Path, victor: Client) -> None:
    left(town, tmp_path, written([offer(n=12)]))
    found = re.findall(r'class="joint-range"[^>]* y1="([^"]+)" y2="([^"]+)"', shown(victor))
    assert found and all(16 <= float(high) < float(low) < 388 for low, high in found), found


def test_variants_transfer_layers_and_accuracies_are_asked_as_they_were_measured(full: Town, victor: Client) -> None:
    told(victor)
    asked = full.planner.jointly[-1]
    assert [(each.name, each.accuracy, each.n) for each in asked.variants] == [("small", 0.95, 500), ("smaller", 0.9, 500)]
    assert [(each.offer.layer, each.offer.device, round(each.reference_s or 0, 3)) for each in asked.offers] == [
        ("max-pool, int8", "pi-4", 0.2)]
    assert [(each.device, each.tier) for each in asked.runners] == [("pi-4", 0), ("box", 1), ("server", 2)]
    assert asked.dataset == "digits" and len(asked.roads) == 6


def test_a_deadline_and_a_floor_choose_from_the_front(full: Town, victor: Client) -> None:
    every = told(victor)
    front = [every["versions"][place] for place in every["front"]]
    assert [each["accuracy"] for each in front] == sorted(each["accuracy"] for each in front)
    soon = told(victor, urlencode({"deadline_ms": front[0]["latency_ms"] + 0.01}))
    assert soon["versions"][soon["chosen"]]["key"] == front[0]["key"]
    quick = told(victor, "floor=94&goal=latency")
    assert quick["versions"][quick["chosen"]]["accuracy"] == 0.95
    assert "Nothing fits" in shown(victor, "floor=99.9")


def test_a_form_that_is_sent_has_an_address_of_its_own(full: Town, victor: Client) -> None:
    """As a browser without JavaScript sends it: all that is so anyway is left out."""
    way = f"{full.pi.pk}.{full.box.pk}"
    fields = {"form": "1", "network": ["small", "smaller"], "device": [str(each.pk) for each in (full.pi, full.box, full.cloud)],
              "rule": ["raw input stays", ""], "deadline_ms": "40", "floor": "90", "goal": "accuracy", f"ms.{way}": "5",
              f"mbps.{way}": "7.5", "dataset": "digits", "show": ""}
    answer = victor.get("/planner/joint/", fields)
    assert answer.status_code == 302
    assert answer.url == (f"/planner/joint/?rule=raw+input+stays&deadline_ms=40&floor=90&link={full.pi.pk},{full.box.pk},5,7.5")
    page = shown(victor, answer.url.partition("?")[2])
    assert "the team&#x27;s values are" in page or "the team's values are" in page
    assert 'value="40"' in page and 'value="raw input stays" checked' in page


def test_a_version_of_the_front_is_looked_at_by_its_key(full: Town, victor: Client) -> None:
    every = told(victor)
    other = next(every["versions"][place] for place in every["front"] if place != every["chosen"])
    page = shown(victor, urlencode({"show": other["key"]}), "part/")
    assert state(page)["shown"] == other["key"] and "looked at" in page and "back to the choice" in page
    assert state(shown(victor, "show=nobody", "part/"))["shown"] == every["versions"][every["chosen"]]["key"]


def test_a_split_of_the_front_leads_to_a_run_of_it(full: Town, client: Client) -> None:
    client.force_login(full.cast.mia)
    every = told(client)
    split = next(each for each in every["versions"] if each["on_front"] and each["form"] == "split")
    page = shown(client, urlencode({"show": split["key"]}))
    assert f"/experiments/new/partitioning.slices/?network={split['variant']}&amp;plan=" in page


def test_what_is_wrong_says_so_at_its_field_and_stays(full: Town, victor: Client) -> None:
    page = shown(victor, "deadline_ms=soon&floor=900&rule=edge+takes+ages", status=422)
    assert 'value="soon"' in page and 'value="900"' in page and 'value="edge takes ages"' in page
    assert "must be a number of ms" in page and "Got soon." in page and "a rule is a line such as" in page
    assert "between 0 and 100 %: 90 is nine images in ten. Got 900." in page


def test_a_floor_with_a_comma_is_told_how_to_write_it_and_percent_are_percent(full: Town, victor: Client) -> None:
    assert "Got 92,5. A decimal has a point: write 92.5." in shown(victor, "floor=92,5", status=422)
    assert "Got nan." in shown(victor, "floor=nan", status=422)
    told(victor, "floor=92.5")
    assert full.planner.jointly[-1].floor == 0.925


@pytest.mark.parametrize("query", ["device=x", "dataset=other", "network=unknown", "link=1,2,3", "show=%00", "deadline_ms=%00",
                                   "floor=nan", "deadline_ms=inf", "network=%00", "goal=fame", "dataset=%00x", "form=1"])
def test_whatever_an_address_says_is_answered(full: Town, victor: Client, query: str) -> None:
    assert victor.get(f"/planner/joint/?{query}").status_code in (200, 302, 422)
    assert victor.get(f"/planner/joint/part/?{query}").status_code == 200


def test_rules_that_nothing_keeps_are_named_with_a_way_out(full: Town, victor: Client) -> None:
    query = "rule=use+cloud&rule=leave+out+cloud"
    assert 'name="drop" value="use cloud"' in shown(victor, query)
    dropped = victor.get(f"/planner/joint/?{query}&drop=use+cloud&form=1&device={full.pi.pk}")
    assert dropped.status_code == 302 and "use+cloud" not in dropped.url and "leave+out+cloud" in dropped.url


def test_every_version_leaves_as_a_table(full: Town, victor: Client) -> None:
    answer = victor.get("/planner/joint/versions.csv")
    lines = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert len(lines) == 5 and lines[0]["on_front"] == "yes"
    assert {each["form"] for each in lines} == {"whole", "split", "with a transfer layer"}
    assert {each["kind"] for each in lines} == {"predicted"}


def test_the_table_of_the_example_calls_no_number_predicted(town: Town, victor: Client) -> None:
    answer = victor.get("/planner/joint/versions.csv?example=on")
    lines = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert {each["kind"] for each in lines} == {"emulated"}
    assert {each["on_front"] for each in lines} == {"yes", "no"}, "also of those that are beaten"


def test_a_team_without_anything_sees_an_example_that_says_what_it_is_and_what_to_do(cast: Any, planner: Any,
                                                                                     client: Client) -> None:
    client.force_login(cast.mia)
    opened = client.get("/planner/joint/")
    assert opened.status_code == 302 and opened.url == "/planner/joint/?example=on&deadline_ms=60"
    page = shown(client, "example=on&deadline_ms=60")
    assert 'name="deadline_ms" value="60"' in page
    assert " in one piece takes " in page and "Nothing is gained" not in page, "it opens on a network that is cut"
    assert 'id="choice-title">example 75 % with strided convolution, int8 behind a3<' in page
    assert "every number is emulated" in page and 'class="card joint-lessons" open' in page
    assert page.count("is-done") == 0 and "/experiments/new/partitioning.scissionlite/" in page
    assert 'id="joint-chart"' in page and "Emulated time" in page
    assert 'name="example" value="on"' in page


def test_a_team_with_profiles_alone_learns_what_is_next(town: Town, victor: Client) -> None:
    page = shown(victor, "example=on")
    assert "every number is emulated" in page
    assert page.count('<li class="is-done">') == 2, "block times and links are there"


def test_one_variant_alone_is_planned_and_the_page_says_what_would_make_it_more(town: Town, victor: Client) -> None:
    measured(town, variant(town, "small"), 0.95)
    page = shown(victor)
    assert "every number is emulated" not in page and "What would make this page say more" in page
    assert "?example=on&amp;deadline_ms=60" in page
    assert [each.name for each in town.planner.jointly[-1].variants] == ["small"]
    assert "every number is emulated" in shown(victor, "example=on")


def test_the_newest_accuracy_counts_and_one_judged_by_a_run_of_its_own_too(town: Town, victor: Client) -> None:
    of = variant(town, "small")
    measured(town, of, 0.7)
    run = town.cast.run(Status.FINISHED, recipe="benchmarking.accuracy",
                        inputs={"model": {"kind": "model", "id": str(of.pk), "name": "small"}})
    measured(town, None, 0.8, run)
    measured(town, of, 0.1, split="validation")
    told(victor)
    assert [each.accuracy for each in town.planner.jointly[-1].variants] == [0.8]


def test_what_an_offer_says_of_the_network_before_stands_in_for_an_accuracy(town: Town, tmp_path: Path, victor: Client) -> None:
    left(town, tmp_path, written([offer()]))
    told(victor)
    assert [(each.name, each.accuracy, each.n) for each in town.planner.jointly[-1].variants] == [("small", 0.95, 500)]


def test_another_data_set_is_another_question(full: Town, victor: Client) -> None:
    measured(full, variant(full, "elsewhere"), 0.5, dataset="faces")
    small = Profile.objects.filter(network="small").first()
    measured(full, type(variant(full, "other")).objects.get(pk=small.variant), 0.6, dataset="faces")
    told(victor, "dataset=faces")
    asked = full.planner.jointly[-1]
    assert [(each.name, each.accuracy) for each in asked.variants] == [("small", 0.6)] and asked.offers == ()
    assert "<option>faces</option>" in shown(victor)


def test_a_renamed_device_keeps_what_was_measured_on_it(full: Town, victor: Client) -> None:
    Device.objects.filter(pk=full.pi.pk).update(name="pi-5")
    told(victor)
    assert full.planner.jointly[-1].offers[0].offer.device == "pi-5"


def test_a_device_that_knows_nothing_of_what_is_planned_neither_holds_the_input_nor_takes_part(full: Town,
                                                                                                     victor: Client) -> None:
    """As the planner's example leaves one, of a network that nobody judged."""
    strange = Device.objects.create(team=full.cast.team, name="a board", tier="device")
    full.profile(strange, (0.01, 0.02, 0.01), network="not judged")
    page = shown(victor)
    assert state(page)["verdict"].endswith("95 % right, n = 500.")
    assert [each.device for each in full.planner.jointly[-1].runners] == ["pi-4", "box", "server"]
    assert "no block times of these variants" in page


def test_of_a_tier_the_device_that_knows_most_variants_holds_the_input(full: Town, victor: Client) -> None:
    second = Device.objects.create(team=full.cast.team, name="a board", tier="device")
    full.profile(second, (0.01, 0.02, 0.01), network="smaller")
    told(victor)
    assert [each.device for each in full.planner.jointly[-1].runners] == ["pi-4", "a board", "box", "server"]
    told(victor, "network=smaller")
    assert full.planner.jointly[-1].runners[0].device == "a board", "where both know it, by name"


def test_a_silent_planner_leaves_the_form(full: Town, victor: Client) -> None:
    full.planner.silent = True
    page = shown(victor, "deadline_ms=40")
    assert state(page)["silent"] and 'value="40"' in page and "does not answer" in page
    assert victor.get("/planner/joint/answer/").status_code == 503
    assert victor.get("/planner/joint/versions.csv").status_code == 503


def test_many_networks_and_devices_take_no_more_queries(full: Town, victor: Client) -> None:
    shown(victor)
    with CaptureQueriesContext(connection, ) as few:
        shown(victor)
    for number in range(3):
        device = Device.objects.create(team=full.cast.team, name=f"box {number}", tier="edge")
        full.link(full.pi, device, 5, 50)
        for name in ("small", "smaller", f"net {number}"):
            full.profile(device, (0.01, 0.02, 0.01), network=name)
    with CaptureQueriesContext(connection) as many:
        shown(victor)
    assert len(many) <= len(few)


def test_what_others_have_is_not_there(full: Town, client: Client) -> None:
    client.force_login(full.cast.mallory)
    page = shown(client, "show=x")
    assert "every number is emulated" in page and "digits" not in page and "pi-4" not in page
