"""Whether a kept joint plan still is the choice: held against what is there now, by asking the joint question again."""

from __future__ import annotations

from apps.accounts.refusal import Refused
from apps.live.asking import Silent
from apps.plans import joint_keeping, joint_standing
from apps.plans.joint_asking import Ready, answered
from apps.plans.models import Freshness, SavedPlan
from apps.plans.standing import MAY_HOLD, Change
from apps.plans.verdicts import MOST_SORRY, WAIT_S, Verdict, gave_up
from apps.plans.weighing import ALIKE
from worker.planning.joint_answer import VersionSaid

NOTHING = "Nothing is in time and accurate enough now."


def changes(plan: SavedPlan) -> list[Change]:
    """Everything that is otherwise than it was; no question is asked."""
    try:
        return joint_standing.changed(plan, joint_standing.asked_now(plan))
    except Refused as refused:
        return [_impossible(refused)]


def verdict(plan: SavedPlan) -> Verdict:
    """No write, and no question where nothing changed."""
    try:
        asked = joint_standing.asked_now(plan)
    except Refused as refused:
        return Verdict(Freshness.STALE, [_impossible(refused)])
    found = joint_standing.changed(plan, asked)
    if not found:
        return Verdict(Freshness.FRESH)
    try:
        return _weighed(plan, asked, found)
    except Refused as refused:
        return Verdict(Freshness.STALE, found, sorry=" ".join(dict.fromkeys(refused.errors.values()))[:MOST_SORRY])
    except Silent as silent:
        return gave_up(plan, found, silent)


def _impossible(refused: Refused) -> Change:
    return Change("device", f"It cannot be planned any more: {' '.join(dict.fromkeys(refused.errors.values()))}"[:MOST_SORRY])


def _weighed(plan: SavedPlan, asked: Ready, found: list[Change]) -> Verdict:
    answer = answered(asked, wait_s=WAIT_S)
    own, best = joint_keeping.own(plan, asked, answer, wait_s=WAIT_S), answer.choice
    mine = joint_keeping.worded(own) if own else None
    if best is None:
        return Verdict(Freshness.STALE, found, mine, sorry=answer.sorry[:MOST_SORRY] or NOTHING)
    is_kept = own is not None and _is_as_it_was(plan, asked, own, best)
    is_stale = not is_kept or any(each.kind not in MAY_HOLD for each in found)
    state = Freshness.STALE if is_stale else Freshness.FRESH
    return Verdict(state, found, mine, joint_keeping.worded(best) if is_stale else None)


def _is_as_it_was(plan: SavedPlan, asked: Ready, own: VersionSaid, best: VersionSaid) -> bool:
    """What was the choice still is, or as good; beside one that was not, the choice is the same as then."""
    if plan.rank != 1:
        return bool(joint_standing.place(best, asked) == plan.rests_on["best"])
    assert own.latency_ms is not None and best.latency_ms is not None
    return own.accuracy == best.accuracy and abs(own.latency_ms - best.latency_ms) <= ALIKE * best.latency_ms
