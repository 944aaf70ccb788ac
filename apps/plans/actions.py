"""What a person does with plans: ask for them, keep one, call it otherwise, bring it up to date, take it away."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts import teams
from apps.accounts.models import Team, User
from apps.accounts.refusal import Conflict, Refused
from apps.accounts.words import plain
from apps.plans import joint_keeping, standing, weighing
from apps.plans.asking import answered, ask, of, question
from apps.plans.choosing import of_person
from apps.plans.joint_wanted import JointWanted
from apps.plans.models import Freshness, SavedPlan
from apps.plans.noticing import wake
from apps.plans.questions import Prepared
from apps.plans.renaming import names_of, with_names
from apps.plans.reviewing import is_behind, tell
from apps.plans.wanted import Wanted
from worker.planning import Answer
from worker.planning.answer import PlanSaid

__all__ = ["ask", "delete", "question", "refresh", "rename", "save"]

READ_ONLY = "Your role in this team, or the token's, only looks on."
TAKEN = "Another plan of the team has this name."
OTHERWISE = "This plan is no longer among the answers: links or profiles changed meanwhile. Look again, and save what you see."
LONGEST_NAME, MOST_OF_A_TEAM = 120, 1000


def save(user: User, team: Team, wanted: Wanted | JointWanted, name: str, plan_key: str) -> SavedPlan:
    """Keep the plan of this key with the conditions that it rests on. Also raises `Silent`: it is asked for once more."""
    named = _named(user, team, name)
    if isinstance(wanted, JointWanted):
        values = joint_keeping.chosen(user, team, wanted, plan_key)
    else:
        values = _chosen(user, team, wanted, plan_key)
    if values is None:
        raise Refused({"plan": OTHERWISE})
    with transaction.atomic():
        Team.objects.select_for_update(no_key=True).get(pk=team.pk)
        if SavedPlan.objects.filter(team=team).count() >= MOST_OF_A_TEAM:
            raise Refused({"": f"A team keeps at most {MOST_OF_A_TEAM:,} plans; delete some first."})
        made = SavedPlan(team=team, name=named, saved_by=user, **values)
        _kept(made)
        tell(team, made, "saved", by=str(user))
    return _checked(made)


def _chosen(user: User, team: Team, wanted: Wanted, plan_key: str) -> dict[str, Any] | None:
    asked = of(user, team, wanted)
    answer = answered(asked)
    found = weighing.chosen(answer, plan_key)
    return _values(asked, answer, wanted, *found) if found else None


def rename(user: User, plan: SavedPlan, name: str) -> SavedPlan:
    named = _named(user, plan.team, name)
    with transaction.atomic():
        held = _held(plan)
        if held.name != named:
            held.name = named
            _kept(held)
            tell(plan.team, held, "renamed", by=str(user))
    return held


def delete(user: User, plan: SavedPlan) -> None:
    _may(user, plan.team)
    with transaction.atomic():
        held = _held(plan)
        tell(plan.team, held, "deleted", by=str(user))
        held.delete()


def refresh(user: User, plan: SavedPlan, *, keep: bool = False) -> SavedPlan:
    """By what is known now: the best plan takes its place; with `keep` it stays the plan that it is, with the numbers of now."""
    _may(user, plan.team)
    values = joint_keeping.now(plan, keep=keep) if plan.is_joint else _now(user, plan, keep=keep)
    with transaction.atomic():
        held = _held(plan)
        if held.saved_at != plan.saved_at:
            raise Conflict({"": "Somebody else brought it up to date meanwhile."})
        for field, value in values.items():
            setattr(held, field, value)
        held.saved_by, held.due = user, None
        held.save()
        tell(plan.team, held, "refreshed", by=str(user))
    return _checked(held)


def _now(user: User, plan: SavedPlan, *, keep: bool) -> dict[str, Any]:
    sight = of_person(user, plan.team)
    wanted = Wanted.model_validate(plan.wanted)
    wanted = with_names(wanted, plan.rests_on, standing.facts(sight, wanted).places)
    asked = of(user, plan.team, wanted)
    answer = answered(asked)
    own, rank = _own(plan, asked, answer) if keep else _best(answer)
    return _values(asked, answer, wanted, own, rank)


def _best(answer: Answer) -> tuple[PlanSaid, int]:
    if not answer.plans:
        raise Conflict({"": answer.sorry or "No plan keeps all rules now."})
    return answer.plans[0], 1


def _own(plan: SavedPlan, asked: Prepared, answer: Answer) -> tuple[PlanSaid, int | None]:
    """The plan itself as it is now, and its rank where it is among the plans."""
    was, kept = names_of(plan.rests_on), PlanSaid.model_validate(plan.plan)
    mine = weighing.shape(kept, was)
    ranked = next(((each, rank) for rank, each in enumerate(answer.plans, 1) if weighing.shape(each, asked.names) == mine), None)
    found = ranked or (weighing.own_now(asked, mine, kept, was, plan.rests_on["blocks"]), None)
    if found[0] is None:
        raise Conflict({"": "This plan cannot be run any more: a device, a link or a block that it uses is gone."})
    return found[0], found[1]


def _values(asked: Prepared, answer: Answer, wanted: Wanted, plan: PlanSaid, rank: int | None) -> dict[str, Any]:
    """All that is kept of a plan; where it is the best, two questions more for each direction that it uses, eight at most,
    tell how long it stays so."""
    devices = tuple(each.pk for each in asked.places)
    kept = wanted.model_copy(update={"devices": devices, "range": None, "pareto": False})
    best = weighing.shape(answer.plans[0], asked.names) if answer.plans else []
    band = weighing.band(asked, plan) if rank == 1 else []
    now, layer = timezone.now(), plan.transfer.title if plan.transfer else ""
    return {"network": wanted.network, "wanted": kept.model_dump(mode="json"), "plan": plan.model_dump(mode="json"), "rank": rank,
            "band": band, "rests_on": standing.rests_on(asked, answer.blocks, best, band, layer),
            "device_ids": list(devices), "saved_at": now, "looked_at": now, "state": Freshness.FRESH, "stale_since": None,
            "changes": [], "own_now": None, "best_now": None, "sorry": ""}


def _checked(plan: SavedPlan) -> SavedPlan:
    """Something may have changed while it was asked for: then it is looked at again at once.

    Called when it is kept and nothing is locked any more: of what changes from then on it is told.
    """
    if is_behind(plan):
        plan.due = timezone.now()
        SavedPlan.objects.filter(pk=plan.pk, saved_at=plan.saved_at).update(due=plan.due)
        transaction.on_commit(wake)
    return plan


def _named(user: User, team: Team, name: str) -> str:
    _may(user, team)
    errors: dict[str, str] = {}
    named = plain("name", name, LONGEST_NAME, errors)
    if errors:
        raise Refused(errors)
    return named


def _may(user: User, team: Team) -> None:
    if not teams.may_edit(user, team):
        raise Refused({"": READ_ONLY})


def _held(plan: SavedPlan) -> SavedPlan:
    """The row, locked until the transaction ends."""
    rows = SavedPlan.objects.select_for_update(of=("self",)).select_related("team")
    found: SavedPlan | None = rows.filter(pk=plan.pk).first()
    if found is None:
        raise Conflict({"": "Somebody has deleted it meanwhile."})
    return found


def _kept(plan: SavedPlan) -> None:
    try:
        with transaction.atomic():
            plan.save()
    except IntegrityError:
        raise Refused({"name": TAKEN}) from None
