"""A joint plan is kept, held against what becomes of all that it rests on, and says whether it still is the choice."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from apps.accounts.refusal import Conflict, Refused
from apps.catalog.models import Variant
from apps.devices.models import Profile
from apps.experiments.models import RunVariant, Status
from apps.plans import actions, reviewing
from apps.plans.joint_wanted import JointWanted
from apps.plans.models import SavedPlan
from tests.apps.plans.conftest import Planner, Town
from tests.apps.plans.joint_town import left, measured, offer, whole_town
from worker.planning.offers import written

pytestmark = pytest.mark.django_db
WANTED = JointWanted(rules=("raw input stays",))


@pytest.fixture(autouse=True)
def store(settings: Any, tmp_path: Path) -> None:
    settings.BLOBS = tmp_path / "blobs"


@pytest.fixture
def whole(town: Town, tmp_path: Path) -> Town:
    whole_town(town, tmp_path)
    return town


def answer(client: Client, **more: Any) -> Any:
    return client.get(f"/planner/joint/answer/?{urlencode({'rule': 'raw input stays', **more}, doseq=True)}").json()


def kept(town: Town, wanted: JointWanted = WANTED, form: str = "", name: str = "the plan") -> SavedPlan:
    """The choice, or of the front the first of this form."""
    client = Client()
    client.force_login(town.cast.mia)
    told = answer(client, **({"goal": wanted.goal} if wanted.goal != "accuracy" else {}))
    every = [told["versions"][at] for at in told["front"]]
    key = next(each["key"] for each in every if each["form"] == form) if form else told["versions"][told["chosen"]]["key"]
    return actions.save(town.cast.mia, town.cast.team, wanted, name, key)


def now(plan: SavedPlan) -> SavedPlan:
    return SavedPlan.objects.get(pk=plan.pk)


def said(plan: SavedPlan) -> str:
    return " ".join(each["text"] for each in now(plan).changes)


def test_the_choice_is_kept_with_its_version_the_question_and_what_it_rests_on(whole: Town) -> None:
    plan = kept(whole)
    assert (plan.kind, plan.network, plan.rank, plan.state) == ("joint", "small", 1, "fresh")
    assert plan.version["accuracy"] == 0.95 and plan.version["n"] == 500
    assert plan.plan["words"].endswith(", of small, 95 % right")
    assert set(plan.rests_on["networks"]) == {"small", "smaller"}
    assert [each["title"] for each in plan.rests_on["offers"]] == ["max-pool, int8 behind stem.conv of small"]
    assert plan.wanted["dataset"] == "digits" and len(plan.wanted["devices"]) == 3 and plan.wanted["networks"] == []
    assert not now(plan).changes


def test_what_changes_nothing_leaves_it_and_asks_nobody(whole: Town, planner: Planner) -> None:
    plan, asked = kept(whole), len(planner.jointly)
    whole.after(lambda: whole.pi.save())
    assert (now(plan).state, now(plan).due, len(planner.jointly)) == ("fresh", None, asked)


def lost(town: Town) -> None:
    town.cloud.retired = True
    town.cloud.save()


CHANGES: dict[str, tuple[Callable[[Town, Path], object], str]] = {
    "a device goes": (lambda town, _: lost(town), "server can no longer be used"),
    "a profile of it comes": (lambda town, _: town.profile(town.pi, (0.2, 0.2, 0.2)),
                              "Other profiles of small count now on pi-4"),
    "its accuracy is another": (lambda town, _: remeasured(town, 0.94),
                                "small is right in 94 % of 500 images now; it was right in 95 %"),
}


def remeasured(town: Town, accuracy: float, name: str = "small") -> None:
    measured(town, Variant.objects.get(name=name), accuracy)
    SavedPlan.objects.update(due="2020-01-01T00:00:00Z")


@pytest.mark.parametrize("kind", CHANGES)
def test_what_it_rests_on_itself_makes_it_stale_and_says_what_is_the_choice_now(whole: Town, tmp_path: Path, kind: str) -> None:
    change, sentence = CHANGES[kind]
    plan = kept(whole)
    whole.after(lambda: change(whole, tmp_path))
    found = now(plan)
    assert found.state == "stale" and sentence in said(plan)
    assert found.best_now is not None and "% right" in found.best_now["words"]


def test_another_variant_matters_where_it_is_the_choice_now(whole: Town) -> None:
    plan = kept(whole)
    whole.after(lambda: remeasured(whole, 0.94, "smaller"))
    assert now(plan).state == "fresh" and "smaller is right in 94 % of 500 images now" in said(plan)
    whole.after(lambda: remeasured(whole, 0.97, "smaller"))
    assert now(plan).state == "stale" and now(plan).best_now["words"].endswith("of smaller, 97 % right")
    assert now(plan).own_now is not None


def test_a_new_variant_is_considered_where_none_were_named(whole: Town) -> None:
    plan = kept(whole)
    def comes() -> None:
        from tests.apps.plans.joint_town import variant
        for device in (whole.pi, whole.box, whole.cloud):
            whole.profile(device, (0.001,) * 3, network="better")
        measured(whole, variant(whole, "better"), 0.99)
    whole.after(comes)
    assert now(plan).state == "stale" and "better can be planned now: right in 99 % of 500 images." in said(plan)
    assert now(plan).best_now["words"].endswith("of better, 99 % right")


def test_a_link_that_leaves_the_choice_what_it_is_leaves_it_up_to_date(whole: Town) -> None:
    plan = kept(whole)
    whole.after(lambda: whole.link(whole.box, whole.cloud, 21, 90))
    assert now(plan).state == "fresh" and "The link box to server changed from 100 to 90 Mbit/s" in said(plan)


def test_an_offer_that_is_measured_anew_makes_a_plan_with_it_stale(whole: Town, tmp_path: Path) -> None:
    plan = kept(whole, form="layer")
    assert plan.rank is None and plan.plan["transfer"]["layer"] == "max-pool, int8"
    whole.after(lambda: left(whole, tmp_path, written([offer(accuracy=0.91)])))
    assert now(plan).state == "stale"
    assert "The transfer layer max-pool, int8 behind stem.conv of small was measured anew: 91 % right, 25 kB" in said(plan)
    assert plan.plan["words"].endswith("of small with max-pool, int8 behind stem.conv, 93 % right")


def test_bringing_it_up_to_date_takes_the_choice_or_keeps_the_version(whole: Town) -> None:
    plan = kept(whole)
    whole.after(lambda: remeasured(whole, 0.97, "smaller"))
    same = actions.refresh(whole.cast.mia, now(plan), keep=True)
    assert (same.network, same.rank, same.state, same.changes) == ("small", None, "fresh", [])
    other = actions.refresh(whole.cast.mia, now(plan))
    assert (other.network, other.rank, other.kind) == ("smaller", 1, "joint")
    assert not now(plan).due


def test_a_version_that_cannot_be_run_any_more_cannot_be_kept(whole: Town) -> None:
    plan = kept(whole, form="layer")
    def goes() -> None:
        from apps.plans.models import TransferOffer
        TransferOffer.objects.all().delete()
        SavedPlan.objects.update(due="2020-01-01T00:00:00Z")
    whole.after(goes)
    assert now(plan).state == "stale" and "is no longer offered" in said(plan)
    with pytest.raises(Conflict, match="cannot be run as it is"):
        actions.refresh(whole.cast.mia, now(plan), keep=True)


def test_a_new_accuracy_is_heard_of_at_once_by_joint_plans_alone(whole: Town, wakes: list[str]) -> None:
    plan, single = kept(whole), whole.save("single")
    for more in ({"split": "validation"}, {"metric": "loss"}):
        with whole.settled(execute=True):
            measured(whole, Variant.objects.get(name="smaller"), 0.97, **more)
        assert not now(plan).due and wakes == [], more
    with whole.settled(execute=True):
        measured(whole, Variant.objects.get(name="smaller"), 0.97)
    assert now(plan).due and not now(single).due and wakes == ["plans"]
    reviewing.tend()
    assert now(plan).state == "stale" and now(plan).best_now["words"].endswith("of smaller, 97 % right")


def test_an_accuracy_is_heard_of_once_its_run_says_of_what_it_is(whole: Town, wakes: list[str]) -> None:
    plan, run, smaller = kept(whole), whole.cast.run(Status.RUNNING), Variant.objects.get(name="smaller")
    measured(whole, None, 0.97, run, variant_name="it")
    with whole.settled(execute=True):
        RunVariant.objects.create(run=run, variant=smaller, name="another")
    assert not now(plan).due and wakes == []
    with whole.settled(execute=True):
        RunVariant.objects.create(run=run, variant=smaller, name="it")
    assert now(plan).due and wakes == ["plans"]


def test_one_of_whose_devices_none_is_left_is_asked_of_no_others(whole: Town, planner: Planner) -> None:
    plan = kept(whole, WANTED.model_copy(update={"devices": (whole.pi.pk, whole.box.pk)}), form="split")
    def go() -> None:
        for device in (whole.pi, whole.box):
            device.retired = True
            device.save()
    asked = len(planner.jointly)
    whole.after(go)
    assert (now(plan).state, now(plan).best_now, now(plan).own_now, len(planner.jointly)) == ("stale", None, None, asked)
    assert "cannot be planned any more: None of its devices can be used any more" in said(plan)
    for keep in (False, True):
        with pytest.raises(Refused, match="None of its devices"):
            actions.refresh(whole.cast.mia, now(plan), keep=keep)
    assert len(now(plan).wanted["devices"]) == 2


def test_one_of_whose_networks_none_is_left_is_asked_of_no_others(whole: Town, planner: Planner) -> None:
    plan, asked = kept(whole, WANTED.model_copy(update={"networks": ("small",)})), len(planner.jointly)
    whole.after(lambda: Profile.objects.filter(network="small").delete())
    assert (now(plan).state, now(plan).best_now, len(planner.jointly)) == ("stale", None, asked)
    assert "cannot be planned any more: None of its networks has block times" in said(plan)
    with pytest.raises(Refused, match="None of its networks"):
        actions.refresh(whole.cast.mia, now(plan))


def test_one_with_a_transfer_layer_that_is_beaten_without_it_says_what_it_takes_now_and_can_be_kept(whole: Town) -> None:
    plan = kept(whole, form="layer")
    whole.after(lambda: [whole.link(whole.pi, other, 5, 100_000) for other in (whole.box, whole.cloud)])
    found = now(plan)
    assert found.own_now is not None and found.own_now["transfer"]["layer"] == "max-pool, int8", said(plan)
    assert found.own_now["latency_ms"] > found.best_now["latency_ms"] and found.best_now["transfer"] is None
    same = actions.refresh(whole.cast.mia, found, keep=True)
    assert (same.version["form"], same.rank, same.plan["latency_ms"]) == ("layer", None, found.own_now["latency_ms"])


def test_the_example_and_what_is_not_on_the_front_are_not_kept(whole: Town) -> None:
    with pytest.raises(Refused, match="made up"):
        actions.save(whole.cast.mia, whole.cast.team, JointWanted(example=True), "x", "example/whole")
    with pytest.raises(Refused, match="no longer among the answers"):
        actions.save(whole.cast.mia, whole.cast.team, WANTED, "x", "small/nothing")


def test_a_device_that_is_called_otherwise_is_called_so_in_its_rules(whole: Town) -> None:
    plan = kept(whole, JointWanted(rules=("raw input stays", "pi-4 sends at most 10 MB")))
    def renamed() -> None:
        whole.pi.name = "board"
        whole.pi.save()
    whole.after(renamed)
    assert now(plan).state == "fresh", said(plan)
    assert "board" in " ".join(actions.refresh(whole.cast.mia, now(plan)).wanted["rules"])


def page(client: Client, where: str) -> str:
    answer = client.get(where)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", unescape(answer.content.decode()))


def test_it_is_saved_from_its_page_and_leads_back_there(client: Client, whole: Town) -> None:
    client.force_login(whole.cast.mia)
    text = page(client, f"/planner/joint/?{urlencode({'rule': 'raw input stays', 'deadline_ms': 500})}")
    form = re.search(r'<details class="rename" id="save">.*?</details>', text)
    assert form
    fields = dict(re.findall(r'<input type="hidden" name="(kind|query|plan)" value="([^"]*)"', form[0]))
    sent = client.post("/planner/saved/save/", {**fields, "name": "for the hall"})
    assert sent.status_code == 302
    text = page(client, sent["Location"])
    for told in ("for the hall", "The choice of what was in time and accurate enough when it was saved.", "500 ms",
                 "all whose accuracy is known", "Open in joint plans", "digits"):
        assert told in text, told
    back = re.search(r'href="(/planner/joint/\?[^"]*)">Open in joint plans', text)
    assert back and "deadline_ms=500" in back[1] and "show=small" in back[1]
    assert 'id="choice-title">small, split' in page(client, back[1])
    assert "small, joint plan" in page(client, "/planner/saved/")


def test_the_form_that_could_not_be_kept_keeps_what_was_typed(client: Client, whole: Town) -> None:
    client.force_login(whole.cast.mia)
    sent = client.post("/planner/saved/save/", {"kind": "joint", "query": "rule=raw input stays", "plan": "none", "name": "mine"})
    text = unescape(sent.content.decode())
    assert sent.status_code == 422 and 'value="mine"' in text and 'name="kind" value="joint"' in text
    assert "Back to the joint plans" in text


def test_who_may_only_look_and_who_looks_at_the_example_is_offered_no_saving(client: Client, whole: Town) -> None:
    client.force_login(whole.cast.victor)
    assert 'id="save"' not in page(client, "/planner/joint/?goal=latency")
    client.force_login(whole.cast.mia)
    assert 'id="save"' not in page(client, "/planner/joint/?example=on")


def test_a_program_keeps_one_and_reads_it(client: Client, whole: Town) -> None:
    client.force_login(whole.cast.mia)
    key = answer(client)["versions"][answer(client)["chosen"]]["key"]
    body = {"rules": ["raw input stays"], "name": "by program", "version": key}
    made = client.post("/api/plans/joint/save", json.dumps(body), content_type="application/json")
    assert made.status_code == 201, made.content
    told = made.json()
    assert (told["kind"], told["version"]["key"], told["wanted"]["rules"]) == ("joint", key, ["raw input stays"])
    file = client.get(f"/planner/saved/{told['id']}/plan.json").json()
    assert file["question"] == "joint" and file["version"]["accuracy"] == 0.95
