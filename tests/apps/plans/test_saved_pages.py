"""The pages of saved plans: the list, one of them, saving from the planner, and what a deployer takes away."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.devices.models import Device
from apps.plans.models import SavedPlan
from tests.apps.kept_plans import kept_plan
from tests.apps.plans.conftest import Town
from worker.planning.answer import NOT_RUN

pytestmark = pytest.mark.django_db


def of(client: Client, person: Any) -> Client:
    client.force_login(person)
    return client


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


def seen(answer: Any) -> str:
    """As it is read: without the tags."""
    return " ".join(unescape(re.sub(r"<[^>]+>", "", text(answer))).split())


def sent(town: Town, name: str = "mine") -> dict[str, str]:
    from apps.plans import actions

    key = actions.ask(town.cast.alice, town.cast.team, town.wanted).plans[0].key
    return {"query": town.wanted.query(), "plan": key, "name": name}


def test_a_plan_is_saved_from_the_planner(client: Client, town: Town) -> None:
    answer = of(client, town.cast.mia).post("/planner/saved/save/", sent(town), follow=True)
    assert "Block 1 on pi-4, 2-3 on box: 165 ms predicted." in seen(answer) and NOT_RUN in seen(answer)
    assert "from 27.8 Mbit/s on" in text(answer)
    assert SavedPlan.objects.get().saved_by == town.cast.mia


def test_what_was_typed_comes_back_with_what_is_wrong(client: Client, town: Town) -> None:
    town.save("mine")
    answer = of(client, town.cast.mia).post("/planner/saved/save/", sent(town))
    assert answer.status_code == 422 and "Another plan of the team has this name." in text(answer)
    assert 'value="mine"' in text(answer) and "raw+input+stays" in text(answer)


@pytest.mark.parametrize("body", [{}, {"query": "network=%00&rule=x", "plan": "\x00", "name": "x"}, {"query": "network=small"}])
def test_nonsense_is_refused_on_a_page(client: Client, town: Town, body: dict[str, str]) -> None:
    assert of(client, town.cast.mia).post("/planner/saved/save/", body).status_code == 422


def test_a_silent_planner_is_said_and_nothing_is_lost(client: Client, town: Town) -> None:
    body = sent(town)
    town.planner.silent = True
    answer = of(client, town.cast.mia).post("/planner/saved/save/", body)
    assert answer.status_code == 503 and "does not answer" in text(answer) and 'value="mine"' in text(answer)


def test_a_stale_plan_says_why_and_what_it_loses(client: Client, town: Town) -> None:
    plan = town.save()
    town.after(lambda: town.link(town.pi, town.box, 5, 20))
    said = text(of(client, town.cast.victor).get(f"/planner/saved/{plan.pk}/"))
    assert "It takes 245 ms now (predicted), 45 ms (22 %) more than the best (predicted)." in said
    assert "changed from 40 to 20 Mbit/s" in said
    assert "Take the best plan of now" not in said, "who looks on changes nothing"
    assert "Take the best plan of now" in text(of(client, town.cast.mia).get(f"/planner/saved/{plan.pk}/"))


def test_a_changed_link_within_the_band_is_said_on_its_page(client: Client, town: Town) -> None:
    plan = town.save()
    town.after(lambda: town.link(town.pi, town.box, 5, 45))
    said = text(of(client, town.cast.victor).get(f"/planner/saved/{plan.pk}/"))
    assert "changed from 40 to 45 Mbit/s; the plan stays best from 27.8 Mbit/s on." in said and "up to date" in said


def test_its_buttons_do_what_they_say(client: Client, town: Town) -> None:
    plan = town.save()
    here = f"/planner/saved/{plan.pk}/"
    of(client, town.cast.mia).post(f"{here}rename/", {"name": "other"})
    town.after(lambda: town.link(town.pi, town.box, 5, 20))
    assert "245 ms" in text(client.post(f"{here}refresh/", {"keep": "on"}, follow=True))
    assert "All blocks on pi-4: 200 ms predicted." in seen(client.post(f"{here}refresh/", {}, follow=True))
    assert SavedPlan.objects.get().name == "other"
    client.post(f"{here}delete/")
    assert not SavedPlan.objects.exists()


def test_a_name_that_is_taken_stays_in_its_field(client: Client, town: Town) -> None:
    town.save("one")
    plan = town.save("two")
    answer = of(client, town.cast.mia).post(f"/planner/saved/{plan.pk}/rename/", {"name": "one"})
    assert answer.status_code == 422 and 'value="one"' in text(answer)


def test_the_list_narrows_and_finds_nothing_for_what_nobody_knows(client: Client, town: Town) -> None:
    town.save("one")
    town.save("two")
    of(client, town.cast.victor)
    assert "2 plans" in text(client.get("/planner/saved/"))
    assert "1 plan" in text(client.get("/planner/saved/?q=two&state=fresh"))
    assert "No saved plan is like that" in text(client.get("/planner/saved/?state=ripe"))
    assert client.get("/planner/saved/?q=%00&page=zz").status_code == 200


@pytest.mark.parametrize("address", ["/planner/saved/", "/"])
def test_a_list_asks_as_much_for_many_plans_as_for_one(client: Client, town: Town, address: str) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.get(address).status_code == 200
        return len(asked)

    kept_plan(town.pi, "first", state="stale", saved_by=town.cast.mia)
    of(client, town.cast.victor).get(address)
    few = queries()
    for number in range(12):
        kept_plan(town.pi, f"more {number}", state="stale", saved_by=town.cast.ruth)
    assert queries() == few


def test_each_time_of_the_list_and_the_page_has_its_own_kind(client: Client, town: Town) -> None:
    """Saved of a predicted block time, now emulated; what is best now is another plan than its own."""
    plan = kept_plan(town.pi, state="stale", changes=[{"text": "x", "matters": True}])
    same = {**plan.plan, "kind": "emulated", "latency_ms": 30.0}
    plan.plan |= {"kind": "predicted", "within_percent": 8.0}
    plan.own_now, plan.best_now = same, {**same, "kind": "predicted", "latency_ms": 20.0, "words": "all blocks on box"}
    plan.save()
    listed = seen(of(client, town.cast.victor).get("/planner/saved/"))
    assert "18 ms predicted ±8 % 30 ms emulated 20 ms predicted" in listed
    page = seen(client.get(f"/planner/saved/{plan.pk}/"))
    assert "18 ms predicted ±8 % when it was saved." in page and "all blocks on box, 20 ms predicted." in page
    assert "30 ms now (emulated), 10 ms (50 %) more than the best (predicted)." in page and NOT_RUN in page


def test_an_emulated_time_is_not_drawn_as_a_predicted_one(client: Client, town: Town) -> None:
    plan = kept_plan(town.pi)
    plan.plan = {**plan.plan, "kind": "emulated", "block_times": "emulated",
                 "stages": [{**each, "kind": "emulated"} for each in plan.plan["stages"]]}
    plan.save()
    page = of(client, town.cast.victor).get(f"/planner/saved/{plan.pk}/")
    assert 'class="predicted"' not in text(page) and seen(page).count("ms emulated") == 4


def test_a_part_of_a_page_is_brought_alone(client: Client, town: Town) -> None:
    plan = town.save()
    of(client, town.cast.victor)
    for address in ("/planner/saved/", f"/planner/saved/{plan.pk}/"):
        said = text(client.get(address, headers={"HX-Request": "true"}))
        assert 'id="saved"' in said and "<html" not in said


def test_a_deployer_takes_stages_and_hops(client: Client, town: Town) -> None:
    plan = town.save("Line 1")
    told = of(client, town.cast.victor).get(f"/planner/saved/{plan.pk}/plan.json").json()
    assert [(each["device"], each["tier"], each["first_layer"], each["last_layer"]) for each in told["stages"]] == [
        ("pi-4", "device", "stem.conv", "stem.conv"), ("box", "edge", "block.conv1", "head.fc")]
    assert [(each["from"], each["to"], each["bytes"]) for each in told["hops"]] == [("pi-4", "box", 400_000)]
    answer = client.get(f"/planner/saved/{plan.pk}/plan.csv")
    rows = b"".join(answer.streaming_content).decode().splitlines()
    assert answer["Content-Disposition"] == 'attachment; filename="line-1.csv"'
    assert told["how"] == NOT_RUN and (told["kind"], told["block_times"]) == ("predicted", "measured")
    assert rows[0].endswith("kind,plan_latency_ms,plan_kind") and rows[1].endswith("measured,165.0,predicted")
    assert rows[1].startswith("stage,pi-4,,1,1,stem.conv") and rows[2].startswith("hop,pi-4,box,,1") and len(rows) == 4


def test_it_is_found_by_its_name_and_stands_on_the_start_page_when_stale(client: Client, town: Town) -> None:
    town.save("Line 1")
    of(client, town.cast.victor)
    assert "Stale plans" not in text(client.get("/")) and "Line 1" in text(client.get("/search/?q=line"))
    town.after(lambda: town.link(town.pi, town.box, 5, 20))
    said = text(client.get("/"))
    assert "Stale plans" in said and "changed from 40 to 20 Mbit/s" in said and "1 stale" in said


def test_a_plan_of_which_all_is_gone_still_has_its_page(client: Client, town: Town) -> None:
    plan = kept_plan(Device.objects.create(team=town.cast.team, name="lost"), "old")
    assert "being checked" in text(of(client, town.cast.victor).get(f"/planner/saved/{plan.pk}/"))
    town.after(plan.save)
    assert client.get(f"/planner/saved/{plan.pk}/").status_code == 200
