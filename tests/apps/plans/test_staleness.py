"""A saved plan goes stale by itself, says why, what is best now and what it takes itself; and comes back by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.devices import actions as devices
from apps.devices import profiles
from apps.devices.desk.merging import merge
from apps.devices.links import actions as links
from apps.devices.links.actions import Numbers
from apps.devices.models import Device, Link, Profile
from apps.live import asking
from apps.live.models import Event
from apps.plans import reviewing
from apps.plans.models import SavedPlan
from apps.plans.wanted import Wanted
from tests.apps.plans.conftest import FAST, MIDDLE, SLOW, Town

pytestmark = pytest.mark.django_db
HEADER = "source,destination,ping(ms),bandwidth(mbps)\n"


@pytest.fixture
def plan(town: Town) -> SavedPlan:
    return town.save()


def now() -> SavedPlan:
    return SavedPlan.objects.get(name="the plan")


def texts(plan: SavedPlan) -> str:
    return " ".join(each["text"] for each in plan.changes)


def connect(town: Town, mbps: float, latency_ms: float = 5) -> None:
    there = Numbers(latency_ms, mbps)
    links.connect(town.cast.mia, town.cast.team, town.pi, town.box, there, Numbers(5, 40), "typed")


def test_a_link_that_changes_within_the_band_leaves_it_fresh_with_new_numbers(town: Town, plan: SavedPlan) -> None:
    town.after(lambda: connect(town, 45))
    found = now()
    assert (found.state, found.own_now_ms, found.plan["latency_ms"]) == ("fresh", pytest.approx(80 + 5 + 3200 / 45), 165.0)
    assert texts(found) == "The link pi-4 to box changed from 40 to 45 Mbit/s; the plan stays best from 27.8 Mbit/s on."


def test_a_link_that_changes_beyond_the_band_makes_it_stale_with_the_best_of_now(town: Town, plan: SavedPlan) -> None:
    town.after(lambda: connect(town, 20))
    found = now()
    assert (found.state, found.best_now["words"], found.best_now_ms) == ("stale", "all blocks on pi-4", 200.0)
    assert found.own_now_ms == pytest.approx(80 + 5 + 160) and found.stale_since and not found.checking
    assert texts(found) == "The link pi-4 to box changed from 40 to 20 Mbit/s; the plan was best from 27.8 Mbit/s on."


@pytest.mark.parametrize(("mbps", "state"), [(28, "fresh"), (27.6, "stale")])
def test_the_band_ends_where_it_says(town: Town, plan: SavedPlan, mbps: float, state: str) -> None:
    town.after(lambda: connect(town, mbps))
    assert now().state == state


@pytest.mark.parametrize(("latency_ms", "state"), [(39.9, "fresh"), (40.1, "stale")])
def test_so_does_the_band_of_round_trips(town: Town, plan: SavedPlan, latency_ms: float, state: str) -> None:
    town.after(lambda: connect(town, 40, latency_ms))
    assert now().state == state and "(round trip)" not in texts(now()).partition(";")[2]


def test_two_changes_that_are_harmless_alone_may_not_be_so_together(town: Town, plan: SavedPlan) -> None:
    town.after(lambda: connect(town, 30, 35))
    assert now().state == "stale" and len(now().changes) == 2


def test_a_link_that_it_does_not_use_may_make_another_plan_the_best(town: Town, plan: SavedPlan) -> None:
    town.after(lambda: town.link(town.pi, town.cloud, 1, 1000))
    assert now().state == "stale" and "server" in now().best_now["words"]


def test_a_link_that_is_removed_makes_it_stale_and_nothing_is_said_of_what_it_takes(town: Town, plan: SavedPlan) -> None:
    town.after(lambda: links.remove(town.cast.mia, Link.objects.get(source=town.pi, target=town.box)))
    assert (now().state, now().own_now_ms, texts(now())) == ("stale", None, "There is no link pi-4 to box any more.")


def test_a_network_file_is_heard_of_in_one_query(town: Town, plan: SavedPlan, wakes: list[str]) -> None:
    for number in range(30):
        Device.objects.create(team=town.cast.team, name=f"more {number}")
    lines = "".join(f"more {number},server,1,{number + 1}\n" for number in range(30))
    reviewing.tend()
    with CaptureQueriesContext(connection) as asked, town.settled(execute=True):
        links.take_in(town.cast.mia, town.cast.team, f"{HEADER}pi-4,box,5,20\n{lines}")
    assert len([each for each in asked.captured_queries if "plans_savedplan" in each["sql"]]) == 1
    assert now().checking and wakes == ["plans"]
    reviewing.tend()
    assert now().state == "stale"


def test_a_newer_profile_makes_it_stale_and_says_what_it_takes_now(town: Town, plan: SavedPlan) -> None:
    town.after(lambda: town.profile(town.box, (0.1, 0.2, 0.1)))
    found = now()
    assert found.state == "stale" and found.best_now["words"] == "all blocks on pi-4"
    assert found.own_now_ms == pytest.approx(40 + 85 + 300)
    assert texts(found) == ("box has another profile of small that counts: 400 ms (measured) for the whole network; it was "
                            "55 ms.")


def test_a_newer_profile_with_which_it_is_still_the_best_says_so(town: Town, plan: SavedPlan) -> None:
    town.after(lambda: town.profile(town.box, (0.015, 0.031, 0.010)))
    assert now().state == "stale" and now().own_now == now().best_now


def test_a_profile_of_another_network_is_no_news(town: Town, plan: SavedPlan) -> None:
    town.after(lambda: town.profile(town.box, FAST, network="other"))
    assert (now().state, now().changes, now().due) == ("fresh", [], None)


def test_a_profile_that_is_brought_in_a_file_is_heard_of(town: Town, plan: SavedPlan) -> None:
    text = "network,first,last,seconds,output_bytes\n" + "".join(
        f"small,{first},{last},0.9,4000\n" for first, last in (("stem.conv", "stem.conv"), ("block.conv1", "add"),
                                                               ("head.fc", "head.fc")))
    town.after(lambda: profiles.bring(town.cast.mia, town.cast.team, text.encode(), "times.csv", town.pi))
    assert now().state == "stale" and "pi-4 has another profile" in texts(now())


def test_a_profile_that_is_deleted_makes_it_stale(town: Town, plan: SavedPlan) -> None:
    town.after(lambda: profiles.remove(town.cast.mia, Profile.objects.get(device=town.box)))
    assert now().state == "stale" and "its profile was deleted" in texts(now()) and now().own_now is None


def test_a_device_that_is_drained_makes_it_stale_and_back_at_work_fresh(town: Town, plan: SavedPlan) -> None:
    town.after(lambda: devices.drain(town.cast.alice, town.box, on=True))
    assert now().state == "stale" and texts(now()) == "box is draining." and "box" not in now().best_now["words"]
    town.after(lambda: devices.drain(town.cast.alice, Device.objects.get(pk=town.box.pk), on=False))
    assert (now().state, now().changes, now().stale_since, now().best_now) == ("fresh", [], None, None)


def test_without_the_device_that_holds_the_input_there_is_no_best_plan(town: Town, plan: SavedPlan) -> None:
    town.after(lambda: devices.retire(town.cast.alice, town.pi))
    assert now().state == "stale" and now().best_now is None and "the input is there" in now().sorry


def test_a_device_that_changes_its_tier_makes_it_stale(town: Town, plan: SavedPlan) -> None:
    town.after(lambda: devices.change(town.cast.alice, town.box, {"tier": "cloud"}))
    assert now().state == "stale" and "of the tier cloud now" in texts(now())


def test_a_device_that_was_merged_into_another_makes_it_stale(town: Town, plan: SavedPlan) -> None:
    twin = Device.objects.create(team=town.cast.team, name="twin", tier="edge")
    town.after(lambda: merge(twin, [town.box]))
    assert now().state == "stale" and "box was the same device as twin" in texts(now())


def test_a_deleted_device_makes_it_stale(town: Town, plan: SavedPlan) -> None:
    town.after(town.box.delete)
    assert now().state == "stale" and "box is no longer a device" in texts(now())


def test_a_link_that_changes_back_makes_it_fresh_again_with_its_own_band(town: Town, plan: SavedPlan) -> None:
    town.after(lambda: connect(town, 45))
    assert now().band != plan.band
    town.after(lambda: connect(town, 4))
    town.after(lambda: connect(town, 40))
    found = now()
    assert (found.state, found.changes, found.band, found.own_now_ms) == ("fresh", [], plan.band, 165.0)


def test_a_planner_that_is_silent_leaves_what_the_band_tells(town: Town, plan: SavedPlan) -> None:
    town.planner.silent = True
    town.after(lambda: connect(town, 45))
    assert now().state == "fresh" and now().checking
    town.after(lambda: connect(town, 20))
    assert now().state == "stale" and now().checking and now().best_now is None
    town.planner.silent = False
    reviewing.tend()
    assert not now().checking and now().best_now["words"] == "all blocks on pi-4"


def test_a_plan_that_was_not_the_best_is_stale_when_another_is_the_best_now(town: Town) -> None:
    town.save(rank=4)
    town.after(lambda: connect(town, 45))
    assert now().state == "fresh"
    town.after(lambda: connect(town, 20))
    assert now().state == "stale"


def test_what_nobody_told_of_is_found_after_a_while(town: Town, plan: SavedPlan) -> None:
    Link.objects.filter(source=town.pi, target=town.box).update(bandwidth_mbps=20)
    reviewing.tend()
    assert now().state == "fresh" and reviewing.is_behind(now()), "its page says that it is behind"
    SavedPlan.objects.update(looked_at=timezone.now() - timedelta(hours=1))
    assert reviewing.is_due()
    reviewing.tend()
    assert now().state == "stale" and not reviewing.is_due()


def test_it_is_told_once_on_the_teams_stream(town: Town, plan: SavedPlan) -> None:
    town.after(lambda: connect(town, 20))
    SavedPlan.objects.update(due=timezone.now())
    reviewing.tend()
    said = [row.body for row in Event.objects.filter(type="plan", body__what="looked")]
    assert [(body["name"], body["state"]) for body in said] == [("the plan", "stale")] and "from 40 to 20" in said[0]["text"]


def test_a_change_that_comes_while_it_is_looked_at_is_looked_at_next(town: Town, plan: SavedPlan,
                                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    with town.settled(execute=True):
        connect(town, 45)
    held = SavedPlan.objects.select_related("team").get()
    found = reviewing.verdict(held, reviewing.of_team(held.team))
    with town.settled(execute=True):
        connect(town, 20)
    reviewing._keep(held, found)
    assert now().state == "fresh" and now().checking
    reviewing.tend()
    assert now().state == "stale" and not now().checking


def test_a_plan_that_was_brought_up_to_date_meanwhile_is_not_touched(town: Town, plan: SavedPlan) -> None:
    with town.settled(execute=True):
        connect(town, 20)
    held = SavedPlan.objects.select_related("team").get()
    found = reviewing.verdict(held, reviewing.of_team(held.team))
    SavedPlan.objects.update(saved_at=timezone.now(), due=None)
    reviewing._keep(held, found)
    assert now().state == "fresh"


def test_a_shared_device_of_another_team_is_heard_of_too(town: Town) -> None:
    town.save()
    Device.objects.filter(pk=town.cloud.pk).update(shared=True, team=town.cast.mallory.memberships.get().team)
    cloud = Device.objects.get(pk=town.cloud.pk)
    cloud.retired = True
    town.after(cloud.save)
    assert "server is retired" in texts(now())


def test_plans_of_devices_of_which_nothing_changed_are_not_asked_for(town: Town, plan: SavedPlan) -> None:
    asked = len(town.planner.asked)
    SavedPlan.objects.update(due=timezone.now())
    reviewing.tend()
    assert len(town.planner.asked) == asked and not now().checking


def test_a_plan_that_ties_with_the_best_is_as_good(town: Town, plan: SavedPlan) -> None:
    town.after(lambda: connect(town, 40, 40))
    assert now().state == "fresh"


def test_a_changed_network_that_is_cut_otherwise_is_not_compared(town: Town, plan: SavedPlan) -> None:
    spans: Any = (("stem.conv", "block.conv1"), ("add", "head.fc"))

    def recut() -> None:
        for device, times in ((town.pi, SLOW), (town.box, MIDDLE), (town.cloud, FAST)):
            town.profile(device, times[:2], spans=spans)

    town.after(recut)
    assert now().state == "stale" and now().own_now is None and now().best_now is not None


GIVEN_UP = [asking.TooLong("It would take too long."), asking.Broken("The planner stumbled.")]


@pytest.mark.parametrize("failure", GIVEN_UP)
def test_a_question_that_is_given_up_leaves_a_plan_as_it_is_for_later(town: Town, plan: SavedPlan, failure: Exception) -> None:
    town.planner.fails = lambda _: failure
    town.after(lambda: connect(town, 45))
    assert (now().state, now().checking, now().sorry) == ("fresh", True, str(failure))
    asked = len(town.planner.asked)
    assert not reviewing.is_due() and not reviewing.tend() and len(town.planner.asked) == asked
    town.planner.fails = lambda _: None
    SavedPlan.objects.update(due=timezone.now())
    reviewing.tend()
    assert (now().state, now().checking) == ("fresh", False)


def test_what_the_band_tells_needs_no_planner(town: Town, plan: SavedPlan) -> None:
    town.planner.fails = lambda _: GIVEN_UP[0]
    town.after(lambda: connect(town, 20))
    assert now().state == "stale" and now().checking


def test_where_the_band_cannot_be_said_in_time_the_plan_waits_too(town: Town, plan: SavedPlan) -> None:
    town.planner.fails = lambda asked: GIVEN_UP[0] if asked.range else None
    town.after(lambda: connect(town, 45))
    assert (now().state, now().checking, now().band) == ("fresh", True, plan.band)


@pytest.mark.parametrize("failure", [*GIVEN_UP, RuntimeError("not foreseen")])
def test_a_plan_that_cannot_be_looked_at_keeps_no_other_from_being(town: Town, plan: SavedPlan, failure: Exception) -> None:
    town.save("another", Wanted(network="small", rules=("raw input stays", "use edge")))
    town.planner.fails = lambda asked: None if "use edge" in asked.rules else failure
    with town.settled(execute=True):
        connect(town, 20)
    SavedPlan.objects.filter(name="the plan").update(due=timezone.now() - timedelta(hours=1))
    reviewing.tend()
    other = SavedPlan.objects.get(name="another")
    assert other.changes and not other.checking and now().checking
    town.after(lambda: connect(town, 30))
    assert "30 Mbit/s" in texts(SavedPlan.objects.get(name="another")), "a change is looked at at once"


def test_a_planner_that_is_silent_ends_the_round(town: Town, plan: SavedPlan) -> None:
    town.save("another", Wanted(network="small", rules=("raw input stays", "use edge")))
    asked = len(town.planner.asked)
    town.planner.fails = lambda _: asking.Silent("The planner does not answer.")
    town.after(lambda: connect(town, 45))
    assert len(town.planner.asked) == asked + 1 and reviewing.is_due()
