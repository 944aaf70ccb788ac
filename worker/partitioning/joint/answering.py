"""A joint question answered: all versions, those that none beats with their plans, and the one that is asked for."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from math import inf, isfinite

from worker.partitioning.joint import telling
from worker.partitioning.joint.front import Outcome, Standing, front
from worker.partitioning.joint.posing import Entry, JointPosed, joint_posed
from worker.partitioning.joint.versions import Version
from worker.partitioning.planned import CERTAINTY, said
from worker.partitioning.planner.conflicts import conflict
from worker.partitioning.planner.plan import Plan
from worker.partitioning.planner.within import TooMany
from worker.partitioning.unfit import TooMuch
from worker.planning.answer import Kind
from worker.planning.joint_answer import JointAnswer, PieceSaid, VersionSaid, interval
from worker.planning.joint_question import JointQuestion
from worker.profile import NetworkProfile

__all__ = ["joint_answer"]


def joint_answer(question: JointQuestion, profiles: Mapping[str, NetworkProfile]) -> JointAnswer:
    """profiles: by the keys that the question's variants name. Raises Unfit where it cannot be asked; nothing else."""
    begun = time.perf_counter()
    try:
        found = _answer(joint_posed(question, profiles))
    except TooMany as error:
        raise TooMuch({"rules": str(error)}) from None
    return found.model_copy(update={"took_ms": 1e3 * (time.perf_counter() - begun)})


def _answer(posed: JointPosed) -> JointAnswer:
    outcome = front([each.variant for each in posed.entries])
    bare = [_version(posed.entries[each.variant], each, place in outcome.front) for place, each in enumerate(outcome.standings)]
    versions = [_with_why(posed, bare, outcome, place) for place in range(len(bare))]
    chosen = _chosen(posed, outcome)
    clashing = () if outcome.front else _clashing(posed)
    sorry = telling.sorry(posed, versions, outcome.front) if chosen is None else ""
    pieces = [] if chosen is None else _pieces(posed, outcome.standings[chosen])
    return JointAnswer(
        versions=tuple(versions), front=outcome.front, chosen=chosen, conflict=clashing,
        verdict="" if chosen is None else telling.verdict(versions[chosen]),
        gain="" if chosen is None else _gain(posed, versions, outcome, chosen, pieces),
        pieces=tuple(PieceSaid(variant=each.variant, accuracy=each.accuracy, plan=each.plan) for each in pieces if each.plan),
        sorry=sorry if outcome.front else telling.impossible(clashing), warnings=posed.warnings, searched=outcome.searched,
        input_bytes=int(posed.entries[0].posed.problem.crossing_bytes[0]))


def _gain(posed: JointPosed, versions: Sequence[VersionSaid], outcome: Outcome, chosen: int,
          pieces: Sequence[telling.Piece]) -> str:
    own = versions[chosen]
    told = telling.unlimited(posed), telling.gain(own, pieces), telling.alike(versions, outcome.front, own, posed)
    return " ".join(filter(None, told))


def _chosen(posed: JointPosed, outcome: Outcome) -> int | None:
    asked = posed.question
    deadline_s = inf if asked.deadline_ms is None else asked.deadline_ms / 1e3
    fit = outcome.within(deadline_s, asked.floor or 0.0)
    return None if not fit else fit[-1] if asked.goal == "accuracy" else fit[0]


def _version(entry: Entry, standing: Standing, on_front: bool) -> VersionSaid:
    fitted = None if standing.version.layer is None else entry.fitted[standing.version.layer]
    n = fitted.offer.n if fitted else entry.asked.n
    low, high = interval(standing.accuracy, n)
    layer, after = (fitted.offer.layer, fitted.offer.after) if fitted else ("", "")
    told = VersionSaid(
        key="/".join([entry.asked.name, standing.version.form, *([after, layer] if fitted else [])]), variant=entry.asked.name,
        form=standing.version.form, layer=layer, after=after, accuracy=standing.accuracy, n=n, low=low, high=high,
        latency_ms=1e3 * standing.seconds if isfinite(standing.seconds) else None, at_least=not standing.is_exact,
        on_front=on_front, kind=_kind(entry, standing.plan))
    if not on_front or standing.plan is None:
        return told
    plan = said(entry.posed, standing.plan, fitted)
    return told.model_copy(update={"plan": plan, "latency_ms": plan.latency_ms, "kind": plan.kind, "transfer": plan.transfer})


def _kind(entry: Entry, plan: Plan | None) -> Kind:
    """Of its plan's devices where there is a plan; of a bound, of all that it might run on."""
    posed = entry.posed
    places = range(len(posed.profiles)) if plan is None else [posed.place(stage.resource) for stage in plan.stages]
    origins = max((posed.profiles[place].origin for place in places), key=CERTAINTY.index)
    return "emulated" if origins == "emulated" else "predicted"


def _with_why(posed: JointPosed, versions: Sequence[VersionSaid], outcome: Outcome, place: int) -> VersionSaid:
    own = versions[place]
    if own.on_front:
        why = telling.neighbours(versions, outcome.front, outcome.front.index(place), posed)
        return own.model_copy(update={"why": why})
    if own.latency_ms is None:
        return own.model_copy(update={"why": "No plan of this form keeps the rules over these links."})
    by = outcome.beater(place)
    return own if by is None else own.model_copy(update={"beaten_by": by, "why": telling.beaten(own, versions[by])})


def _pieces(posed: JointPosed, standing: Standing) -> list[telling.Piece]:
    """The choice's variant and the most accurate one, each on one device at its best."""
    mine, most = posed.entries[standing.variant], max(posed.entries, key=lambda each: each.asked.accuracy)
    return [_piece(each) for each in ([mine] if mine is most else [mine, most])]


def _piece(entry: Entry) -> telling.Piece:
    plan = entry.variant.best(Version("whole"))
    return telling.Piece(entry.asked.name, entry.asked.accuracy, said(entry.posed, plan) if plan else None)


def _clashing(posed: JointPosed) -> tuple[str, ...]:
    """Of the first variant: what it cannot keep together, whole or split."""
    one = posed.entries[0].posed
    found = conflict(one.problem, [each.constraint for each in one.asked], one.always) or []
    return tuple(next(each.line for each in one.asked if each.constraint is clash) for clash in found)
