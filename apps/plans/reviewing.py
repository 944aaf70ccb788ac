"""Whether kept plans still hold: each is held against what is there now, by the planner, and the team is told where that is news.

Asking takes place outside of any transaction; what was found is written only where the plan was not brought up to date meanwhile.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from apps.accounts.models import Team
from apps.accounts.refusal import Refused
from apps.live.asking import Silent
from apps.live.knock import knock
from apps.live.models import Saying, Stream
from apps.plans import joint_reviewing, standing, weighing
from apps.plans.asking import answered
from apps.plans.choosing import Sight, of_team
from apps.plans.models import Freshness, SavedPlan
from apps.plans.questions import Prepared, prepared
from apps.plans.renaming import names_of, with_names
from apps.plans.standing import MAY_HOLD, Change, Facts
from apps.plans.verdicts import MOST_SORRY, WAIT_S, Verdict, gave_up
from apps.plans.wanted import Wanted
from worker.planning.answer import PlanSaid

log = logging.getLogger(__name__)
MOST_A_ROUND = 50
# What nobody told of is found after so long all the same.
AGAIN = timedelta(minutes=10)
# A plan over which the planner stumbles, or takes too long, lets the others go first for so long.
LATER = timedelta(minutes=5)


def tend() -> bool:
    """For the desk: the plans of which something changed, and those that nobody looked at for long; whether there was one."""
    rows = SavedPlan.objects.filter(_late()).order_by(F("due").asc(nulls_last=True), "looked_at")
    plans = list(rows.select_related("team")[:MOST_A_ROUND])
    for plan in plans:
        if not _looked(plan):
            break  # Nobody answers: the next round asks again.
    return bool(plans)


def is_due() -> bool:
    return SavedPlan.objects.filter(_late()).exists()


def _late() -> Q:
    now = timezone.now()
    return Q(due__lte=now) | Q(due=None, looked_at__lt=now - AGAIN)


def _looked(plan: SavedPlan) -> bool:
    """One that cannot be looked at keeps no other from being looked at."""
    try:
        return look(plan)
    except Exception:
        log.exception("The plan %s could not be looked at", plan.pk)
        SavedPlan.objects.filter(pk=plan.pk, due=plan.due).update(due=timezone.now() + LATER)
        return True


def look(plan: SavedPlan) -> bool:
    """Hold it against what is there now and keep what came of it; False when nobody answered."""
    found = verdict(plan, of_team(plan.team))
    _keep(plan, found)
    return found.final or found.given_up


def is_behind(plan: SavedPlan) -> bool:
    """Whether something is otherwise than what was looked at last; nothing is asked of the planner, and nothing is written.

    Three queries, of a plan that may have transfer layers five, of a joint plan six, over all that its team has.
    """
    if plan.is_joint:
        found = joint_reviewing.changes(plan)
    else:
        now = standing.facts(of_team(plan.team), Wanted.model_validate(plan.wanted))
        found = standing.changed(plan.rests_on, plan.band, now, Wanted.model_validate(plan.wanted))
    return plan.due is not None or [each.text for each in found] != [each["text"] for each in plan.changes]


def verdict(plan: SavedPlan, sight: Sight) -> Verdict:
    """No write, and no question where nothing changed."""
    if plan.is_joint:
        return joint_reviewing.verdict(plan)
    wanted = Wanted.model_validate(plan.wanted)
    now = standing.facts(sight, wanted)
    changes = standing.changed(plan.rests_on, plan.rests_on["band"], now, wanted)
    if not changes:
        return Verdict(Freshness.FRESH)
    try:
        asked = prepared(sight, with_names(wanted, plan.rests_on, now.places))
        return _weighed(plan, asked, changes, now)
    except Refused as refused:
        return Verdict(Freshness.STALE, changes, sorry=" ".join(dict.fromkeys(refused.errors.values()))[:MOST_SORRY])
    except Silent as silent:
        return gave_up(plan, changes, silent)


def _weighed(plan: SavedPlan, asked: Prepared, changes: list[Change], now: Facts) -> Verdict:
    answer = answered(asked, wait_s=WAIT_S)
    was, best = names_of(plan.rests_on), next(iter(answer.plans), None)
    kept = PlanSaid.model_validate(plan.plan)
    mine = weighing.shape(kept, was)
    own = next((each for each in answer.plans if weighing.shape(each, asked.names) == mine), None)
    own = own or weighing.own_now(asked, mine, kept, was, plan.rests_on["blocks"], wait_s=WAIT_S)
    if best is None:
        return Verdict(Freshness.STALE, changes, own, sorry=answer.sorry[:MOST_SORRY] or "No plan keeps all rules now.")
    if any(each.kind not in MAY_HOLD for each in changes) or own is None or not _is_as_it_was(plan, asked, own, best):
        return Verdict(Freshness.STALE, changes, own, best)
    band = weighing.band(asked, own, wait_s=WAIT_S) if plan.rank == 1 else []
    changes = standing.changed(plan.rests_on, band, now, Wanted.model_validate(plan.wanted))
    return Verdict(Freshness.FRESH, changes, own, band=band)


def _is_as_it_was(plan: SavedPlan, asked: Prepared, own: PlanSaid, best: PlanSaid) -> bool:
    """One that was the best still is; beside one that was not, the same plan is the best as then."""
    if plan.rank == 1:
        return weighing.is_as_good(own, best, asked.question.objective)
    return bool(weighing.shape(best, asked.names) == plan.rests_on["best"])


def _keep(plan: SavedPlan, found: Verdict) -> None:
    """Only where it is still the plan that was looked at; a change that came while it was leaves it due."""
    with transaction.atomic():
        held = SavedPlan.objects.select_for_update(of=("self",)).filter(pk=plan.pk, saved_at=plan.saved_at).first()
        if held is None:
            return
        changes = [{"text": each.text, "matters": each.breaks} for each in found.changes]
        is_news = (held.state, held.changes) != (found.state, changes)
        if held.state != found.state:
            held.stale_since = timezone.now() if found.state == Freshness.STALE else None
        held.state, held.changes, held.sorry, held.looked_at = found.state, changes, found.sorry, timezone.now()
        held.own_now, held.best_now = _json(found.own), _json(found.best)
        held.band = held.rests_on["band"] if found.band is None else found.band
        held.due = _due(held, plan, found)
        held.save()
        if is_news:
            tell(plan.team, held, "looked", "; ".join(each.text for each in found.changes)[:1000])


def _due(held: SavedPlan, plan: SavedPlan, found: Verdict) -> datetime | None:
    """When it is to be looked at next; nothing where all is said. What changed while it was looked at is looked at next."""
    if held.due == plan.due and found.final:
        return None
    if held.due == plan.due and found.given_up:
        return timezone.now() + LATER
    return held.due or timezone.now()


def _json(plan: PlanSaid | None) -> dict[str, Any] | None:
    return None if plan is None else plan.model_dump(mode="json")


def tell(team: Team, plan: SavedPlan, what: str, text: str = "", **more: Any) -> None:
    """On the team's stream. Call it inside a transaction."""
    stream = Stream.of_team(team)
    stream.append([Saying("plan", {"plan": str(plan.pk), "name": plan.name, "state": plan.state, "what": what, "text": text,
                                   **more})])
    transaction.on_commit(lambda: knock(stream.pk))
