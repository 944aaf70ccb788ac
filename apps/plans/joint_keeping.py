"""What is kept of a version of joint plans: itself, its plan, the question, and what the answer rested on."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from apps.accounts.models import Team, User
from apps.accounts.refusal import Conflict, Refused
from apps.plans import joint_standing, weighing
from apps.plans.asking import WAIT_S
from apps.plans.joint_asking import Ready, answered, ready, scene_of
from apps.plans.joint_wanted import JointWanted
from apps.plans.models import Freshness, Kind, SavedPlan
from worker.planning.answer import PlanSaid
from worker.planning.joint_answer import JointAnswer, VersionSaid
from worker.wording import figures

MADE_UP = "The example is made up, so it is not kept: plan networks of your own."
GONE = "This version cannot be run as it is any more: a device, a link, a profile or its transfer layer is gone."
BARE = {"plan", "why", "beaten_by"}


def chosen(user: User, team: Team, wanted: JointWanted, key: str) -> dict[str, Any] | None:
    """The version of this key; nothing where it is no longer on the front. Also raises `Silent`: it is asked for once more."""
    if wanted.example:
        raise Refused({"": MADE_UP})
    asked = ready(scene_of(user, team, wanted_example=False), wanted)
    answer = answered(asked)
    found = next((answer.versions[at] for at in answer.front if answer.versions[at].key == key), None)
    return values(asked, answer, wanted, found) if found else None


def now(plan: SavedPlan, *, keep: bool) -> dict[str, Any]:
    """By what is known now: the choice takes its place; with `keep` it stays the version, cut as it is."""
    asked = joint_standing.asked_now(plan)
    answer = answered(asked)
    version = own(plan, asked, answer) if keep else answer.choice
    if version is None:
        raise Conflict({"": GONE if keep else answer.sorry or "Nothing is in time and accurate enough now."})
    return values(asked, answer, JointWanted.model_validate(plan.wanted), version)


def values(asked: Ready, answer: JointAnswer, wanted: JointWanted, version: VersionSaid) -> dict[str, Any]:
    """All that is kept of it."""
    devices = tuple(each.pk for each in asked.places)
    kept = wanted.model_copy(update={"devices": devices, "dataset": asked.dataset, "rules": asked.question.rules})
    at = timezone.now()
    return {"kind": Kind.JOINT, "network": version.variant, "wanted": kept.model_dump(mode="json"),
            "plan": worded(version).model_dump(mode="json"), "version": version.model_dump(mode="json", exclude=BARE),
            "rank": 1 if answer.choice and answer.choice.key == version.key else None, "band": [],
            "rests_on": joint_standing.rests_on(asked, version, answer.choice), "device_ids": list(devices), "saved_at": at,
            "looked_at": at, "state": Freshness.FRESH, "stale_since": None, "changes": [], "own_now": None, "best_now": None,
            "sorry": ""}


def worded(version: VersionSaid) -> PlanSaid:
    """Its plan, which says in its words of which variant it is and how accurate."""
    assert version.plan is not None
    of = f"{version.variant} with {version.layer} behind {version.after}" if version.layer else version.variant
    return version.plan.model_copy(update={"words": f"{version.plan.words}, of {of}, {right(version)}"})


def right(version: VersionSaid) -> str:
    return f"{figures(100 * version.accuracy)} % right"


def own(plan: SavedPlan, asked: Ready, answer: JointAnswer, *, wait_s: float = WAIT_S) -> VersionSaid | None:
    """The kept version, cut as it was, by what is known now; asked for by itself where another is better."""
    kept = _place(plan)
    mine = next((answer.versions[at] for at in answer.front if joint_standing.place(answer.versions[at], asked) == kept), None)
    return mine or _alone(plan, asked, kept, wait_s)


def _place(plan: SavedPlan) -> list[Any]:
    names = {each["name"]: each["id"] for each in plan.rests_on["devices"]}
    said = PlanSaid.model_validate(plan.plan)
    return [plan.version["key"], weighing.shape(said, names)]


def _title(plan: SavedPlan) -> str:
    """Of its transfer layer; empty without one."""
    return f"{plan.version['layer']} behind {plan.version['after']}" if plan.version["layer"] else ""


def _alone(plan: SavedPlan, asked: Ready, kept: list[Any], wait_s: float) -> VersionSaid | None:
    """Of its variant and its transfer layer alone, with its blocks where they were: nothing is there that could beat it."""
    called = {str(each.pk): each.name for each in asked.places}
    stages = [(called.get(row[0], ""), stage) for row, stage in zip(kept[1], plan.plan["stages"], strict=False)]
    variants = tuple(each for each in asked.question.variants if each.name == plan.network)
    if not variants or not all(name for name, _ in stages):
        return None
    rules = tuple(f"blocks {stage['first']}-{stage['last']} in {name}" for name, stage in stages)
    offers = tuple(each for each in asked.question.offers if each.offer.network == plan.network
                   and (each.offer.layer, each.offer.after) == (plan.version["layer"], plan.version["after"]))
    question = asked.question.model_copy(update={"variants": variants, "offers": offers, "rules": rules, "floor": None,
                                                 "deadline_ms": None, "only_layer": _title(plan)})
    try:
        found = answered(Ready(question, asked.dataset, asked.places, asked.lanes), wait_s=wait_s)
    except Refused:
        return None
    return next((found.versions[at] for at in found.front if joint_standing.place(found.versions[at], asked) == kept), None)
