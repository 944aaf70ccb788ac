"""A plan is saved, renamed, brought up to date and deleted, by whom it may be."""

from __future__ import annotations

from typing import Any

import pytest

from apps.accounts.refusal import Conflict, Refused
from apps.devices.models import Device
from apps.live.asking import Silent, TooLong
from apps.live.models import Event, Stream
from apps.plans import actions
from apps.plans.models import SavedPlan
from apps.plans.wanted import LinkWanted, Wanted
from tests.apps.plans.conftest import MIDDLE, Town

pytestmark = pytest.mark.django_db


def band(plan: SavedPlan) -> dict[str, tuple[Any, Any]]:
    return {each["varying"]: (each["low"], each["high"]) for each in plan.band}


def test_a_saved_plan_keeps_what_it_rests_on(town: Town) -> None:
    plan = town.save()
    assert plan.plan["words"] == "block 1 on pi-4, 2-3 on box" and plan.rank == 1 and plan.saved_by == town.cast.mia
    assert plan.wanted["devices"] == [str(each.pk) for each in (town.pi, town.box, town.cloud)]
    assert [row["name"] for row in plan.rests_on["devices"]] == ["pi-4", "box", "server"] and len(plan.rests_on["links"]) == 6


def test_the_band_is_where_another_plan_takes_over(town: Town) -> None:
    """By hand: 85 ms + 3200 kbit / B beside the board's own 200 ms, and 80 + 80 ms + L beside 200."""
    found = band(town.save())
    assert found["bandwidth"] == (pytest.approx(3200 / 115), None)
    assert found["latency"] == (None, pytest.approx(40))


def test_a_plan_is_saved_with_two_questions_more_for_each_direction_that_it_uses(town: Town) -> None:
    wanted = town.wanted.model_copy(update={"rules": ("raw input stays", "use edge", "use cloud")})
    plan = town.save(wanted=wanted)
    assert len(town.planner.asked) == 2 + 2 * len(plan.plan["hops"]) == 6


def test_a_plan_that_is_not_the_best_keeps_its_rank_and_has_no_band(town: Town) -> None:
    plan = town.save(rank=3)
    assert (plan.rank, plan.band) == (3, [])


def test_what_is_no_plan_of_the_answer_is_refused(town: Town) -> None:
    with pytest.raises(Refused) as refused:
        actions.save(town.cast.mia, town.cast.team, town.wanted, "x", "no such key")
    assert "no longer among the answers" in refused.value.errors["plan"] and not SavedPlan.objects.exists()


def test_two_plans_of_a_team_have_two_names(town: Town) -> None:
    town.save("one")
    with pytest.raises(Refused) as refused:
        town.save("one")
    assert refused.value.errors == {"name": "Another plan of the team has this name."}
    other = town.save("other")
    with pytest.raises(Refused):
        actions.rename(town.cast.mia, other, "one")
    assert actions.rename(town.cast.mia, other, " third ").name == "third"


@pytest.mark.parametrize("name", ["", "  ", "x" * 121, "a\x00b", None])
def test_a_name_that_is_none_is_refused(town: Town, name: Any) -> None:
    with pytest.raises(Refused) as refused:
        actions.save(town.cast.mia, town.cast.team, town.wanted, name, "x")
    assert refused.value.errors.keys() == {"name"} and not town.planner.asked


def test_somebody_who_only_looks_on_keeps_changes_and_deletes_nothing(town: Town) -> None:
    plan = town.save()
    for person in (town.cast.victor, town.cast.mallory):
        for act in (lambda who: actions.save(who, town.cast.team, town.wanted, "x", plan.plan["key"]),
                    lambda who: actions.rename(who, plan, "x"), lambda who: actions.delete(who, plan),
                    lambda who: actions.refresh(who, plan)):
            with pytest.raises(Refused):
                act(person)
    assert SavedPlan.objects.get().name == "the plan"


def test_what_changes_while_it_is_asked_for_has_it_looked_at_at_once(town: Town) -> None:
    town.planner.fails = lambda _: town.link(town.pi, town.box, 5, 41) and None
    key = town.save().plan["key"]
    assert SavedPlan.objects.get().due is None, "it was so before"
    town.planner.fails = lambda _: town.link(town.pi, town.box, 5, 42) and None
    made = actions.save(town.cast.mia, town.cast.team, town.wanted, "other", key)
    assert made.due is not None and SavedPlan.objects.get(name="other").due == made.due


def test_a_planner_that_is_silent_keeps_nothing(town: Town) -> None:
    town.planner.silent = True
    with pytest.raises(Silent):
        actions.save(town.cast.mia, town.cast.team, town.wanted, "x", "x")
    assert not SavedPlan.objects.exists()


def test_bringing_it_up_to_date_takes_the_best_plan_of_now(town: Town) -> None:
    plan = town.save()
    town.after(lambda: town.link(town.pi, town.box, 5, 4))
    fresh = actions.refresh(town.cast.ruth, SavedPlan.objects.get())
    assert (fresh.state, fresh.changes, fresh.plan["words"]) == ("fresh", [], "all blocks on pi-4")
    assert fresh.pk == plan.pk and fresh.saved_by == town.cast.ruth and fresh.rank == 1


def test_kept_as_it_is_it_has_the_numbers_of_now(town: Town) -> None:
    town.save()
    town.after(lambda: town.link(town.pi, town.box, 5, 4))
    kept = actions.refresh(town.cast.ruth, SavedPlan.objects.get(), keep=True)
    assert (kept.plan["words"], kept.plan["latency_ms"], kept.state) == ("block 1 on pi-4, 2-3 on box", 885.0, "fresh")
    assert kept.rank != 1 and kept.band == []


def test_a_plan_whose_device_is_gone_cannot_be_kept_as_it_is(town: Town) -> None:
    town.save()
    Device.objects.filter(pk=town.box.pk).update(retired=True)
    with pytest.raises(Conflict):
        actions.refresh(town.cast.mia, SavedPlan.objects.get(), keep=True)
    assert "box" not in actions.refresh(town.cast.mia, SavedPlan.objects.get()).plan["words"]


def test_two_people_do_not_bring_it_up_to_date_over_each_other(town: Town) -> None:
    town.save()
    seen = SavedPlan.objects.get()
    actions.refresh(town.cast.mia, SavedPlan.objects.get())
    with pytest.raises(Conflict):
        actions.refresh(town.cast.ruth, seen)


def test_a_device_that_was_renamed_is_the_same_in_its_rules(town: Town) -> None:
    wanted = town.wanted.model_copy(update={"rules": ("raw input stays", "use box")})
    town.save(wanted=wanted)
    town.box.name = "cabinet"
    town.after(town.box.save)
    assert SavedPlan.objects.get().state == "fresh"
    fresh = actions.refresh(town.cast.mia, SavedPlan.objects.get())
    assert fresh.wanted["rules"] == ["raw input stays", "use cabinet"] and "cabinet" in fresh.plan["words"]


@pytest.mark.parametrize("old", ["b", "s", "at", "in", "blocks", "most 500"])
def test_a_device_with_a_name_like_a_word_of_a_rule_is_renamed_where_it_is_meant(town: Town, old: str) -> None:
    Device.objects.filter(pk=town.box.pk).update(name=old)
    rules = ("raw input stays", f"blocks 2-3 in {old}", f"{old} takes at most 500 ms", "cloud takes at most 500 ms")
    town.save(wanted=Wanted(network="small", rules=rules))
    Device.objects.filter(pk=town.box.pk).update(name="gate  way")
    town.after(lambda: town.link(town.pi, town.box, 5, 45))
    assert (SavedPlan.objects.get().state, SavedPlan.objects.get().sorry) == ("fresh", "")
    assert actions.refresh(town.cast.mia, SavedPlan.objects.get()).wanted["rules"] == [
        "raw input stays", "blocks 2-3 in gate way", "gate way takes at most 500 ms", "cloud takes at most 500 ms"]


@pytest.mark.parametrize("name", ["all", "x takes at most 5 ms in y", "a\u200db", "x" * 120])
def test_a_name_that_no_rule_can_say_is_said_and_breaks_nothing(town: Town, name: str) -> None:
    town.save(wanted=Wanted(network="small", rules=("use box", "blocks 2-3 in box")))
    Device.objects.filter(pk=town.box.pk).update(name=name)
    town.after(lambda: town.link(town.pi, town.box, 5, 45))
    found = SavedPlan.objects.get()
    if name == "x" * 120 or name.startswith("x takes"):
        assert found.state == "fresh" and actions.refresh(town.cast.mia, found).wanted["rules"][0] == f"use {name}"
    else:
        assert found.state == "stale" and found.sorry
        with pytest.raises(Refused):
            actions.refresh(town.cast.mia, found)
        assert Wanted.model_validate(SavedPlan.objects.get().wanted).rules[0] == "use box"


def test_what_takes_too_long_keeps_nothing_rather_than_a_plan_without_its_band(town: Town) -> None:
    town.planner.fails = lambda asked: TooLong("It would take too long.") if asked.range else None
    with pytest.raises(TooLong):
        town.save()
    assert not SavedPlan.objects.exists()


def test_what_takes_too_long_is_not_said_of_the_plan(town: Town) -> None:
    town.save(wanted=Wanted(network="small", count=1))
    town.after(lambda: town.link(town.pi, town.box, 5, 4))
    town.planner.fails = lambda asked: TooLong("It would take too long.") if asked.rules else None
    with pytest.raises(TooLong):
        actions.refresh(town.cast.mia, SavedPlan.objects.get(), keep=True)


def test_what_was_done_is_told_on_the_teams_stream(town: Town) -> None:
    plan = town.save()
    actions.rename(town.cast.mia, plan, "renamed")
    actions.delete(town.cast.mia, plan)
    said = Event.objects.filter(stream=Stream.of_team(town.cast.team), type="plan").order_by("seq")
    assert [(row.body["what"], row.body["name"]) for row in said] == [("saved", "the plan"), ("renamed", "renamed"),
                                                                     ("deleted", "renamed")]


def test_links_that_were_tried_stay_as_they_were_tried(town: Town) -> None:
    tried = LinkWanted(source=town.pi.pk, target=town.box.pk, latency_ms=5, bandwidth_mbps=80)
    town.save(wanted=town.wanted.model_copy(update={"links": (tried,)}))
    town.after(lambda: town.link(town.pi, town.box, 5, 1))
    assert (SavedPlan.objects.get().state, SavedPlan.objects.get().changes) == ("fresh", [])


def test_a_change_while_it_was_asked_for_is_looked_at_at_once(town: Town, monkeypatch: pytest.MonkeyPatch,
                                                             wakes: list[str]) -> None:
    found = actions.ask(town.cast.mia, town.cast.team, town.wanted)
    real = actions.answered

    def late(*given: Any, **more: Any) -> Any:
        told = real(*given, **more)
        town.profile(town.box, MIDDLE)
        return told

    monkeypatch.setattr(actions, "answered", late)
    with town.settled(execute=True):
        plan = actions.save(town.cast.mia, town.cast.team, town.wanted, "x", found.plans[0].key)
    assert plan.checking and wakes
