"""Versions, the choice and its neighbours in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from worker.partitioning.joint.posing import JointPosed
from worker.partitioning.telling import duration, listed, percent, points
from worker.planning.answer import PlanSaid
from worker.planning.joint_answer import VersionSaid
from worker.wording import figures

NOTABLE = 5e-5  # of an accuracy: less is as accurate


def beaten(own: VersionSaid, by: VersionSaid) -> str:
    """Why the one is not on the front."""
    assert own.latency_ms is not None and by.latency_ms is not None
    sooner, better = own.latency_ms - by.latency_ms, by.accuracy - own.accuracy
    least = "at least " if own.at_least else ""
    time = f"{least}{duration(sooner / 1e3)} sooner" if sooner > 1e-6 else "as soon"
    right = f"{points(better)} more accurate" if better > NOTABLE else "as accurate"
    return f"{by.name} is {time} and {right}."


def neighbours(versions: Sequence[VersionSaid], front: Sequence[int], at: int, posed: JointPosed) -> str:
    """What the next sooner and the next better on the front would give and take."""
    own, told = versions[front[at]], list[str]()
    if at > 0:
        told.append(_beside(own, versions[front[at - 1]], posed))
    if at + 1 < len(front):
        told.append(_beside(own, versions[front[at + 1]], posed))
    return " ".join(told)


def _beside(own: VersionSaid, other: VersionSaid, posed: JointPosed) -> str:
    assert own.latency_ms is not None and other.latency_ms is not None
    apart = duration(abs(own.latency_ms - other.latency_ms) / 1e3)
    is_alike = own.low is not None and own.high is not None and own.low <= other.accuracy <= own.high
    alike = " (inside the interval)" if is_alike else ""
    if other.latency_ms < own.latency_ms:
        below = posed.question.floor is not None and other.accuracy < posed.question.floor
        return (f"{other.name} comes {apart} sooner, but is {points(own.accuracy - other.accuracy)} less accurate{alike}"
                f"{', below the floor' if below else ''}.")
    late = posed.question.deadline_ms is not None and other.latency_ms > posed.question.deadline_ms
    return (f"{other.name} is {points(other.accuracy - own.accuracy)} more accurate{alike}, but takes {apart} longer"
            f"{', past the deadline' if late else ''}.")


def verdict(own: VersionSaid) -> str:
    assert own.plan is not None
    count = f", n = {own.n:,}" if own.n else ""
    return f"{own.name}: {own.plan.words}, {duration(own.plan.latency_ms / 1e3)}, {percent(own.accuracy)} right{count}."


@dataclass(frozen=True)
class Piece:
    """A variant on one device at its best; without a plan where it cannot run so."""

    variant: str
    accuracy: float
    plan: PlanSaid | None


def unlimited(posed: JointPosed) -> str:
    """Why it is the choice, where neither a deadline nor a floor chose."""
    if posed.question.deadline_ms is not None or posed.question.floor is not None:
        return ""
    which = "most accurate" if posed.question.goal == "accuracy" else "soonest"
    return f"Without a deadline or a least accuracy the {which} is chosen."


def gain(own: VersionSaid, pieces: Sequence[Piece]) -> str:
    """Beside the same variant in one piece, and beside the most accurate one."""
    mine, *most = pieces
    told = ["Nothing is gained by cutting it: it runs in one piece." if own.form == "whole" else _piece(own, mine)]
    return " ".join([*told, *(_piece(own, each) for each in most)])


def alike(versions: Sequence[VersionSaid], front: Sequence[int], own: VersionSaid, posed: JointPosed) -> str:
    """The soonest one that is inside the choice's interval, where it comes notably sooner and is not below the floor."""
    if own.low is None or own.n is None or own.latency_ms is None:
        return ""
    least = max(own.low, posed.question.floor or 0.0)
    near = [versions[place] for place in front if versions[place].accuracy >= least]
    first = next((each for each in near if each.latency_ms is not None and 1.1 * each.latency_ms <= own.latency_ms), None)
    if first is None or first.latency_ms is None:
        return ""
    sooner, less = (own.latency_ms - first.latency_ms) / 1e3, own.accuracy - first.accuracy
    return (f"Inside the interval of its {own.n:,} images: {first.name}, which comes {duration(sooner)} sooner for "
            f"{points(less)} less.")


def _piece(own: VersionSaid, piece: Piece) -> str:
    assert own.plan is not None
    if piece.plan is None:
        return f"{piece.variant} in one piece is not possible under these rules and links."
    took, whole = own.plan.latency_ms / 1e3, piece.plan.latency_ms / 1e3
    if took > 0 and whole / took >= 1.1:
        more = f"{figures(whole / took)} times as long"
    else:
        more = f"{duration(abs(whole - took))} {'longer' if whole > took else 'less'}"
    better = piece.accuracy - own.accuracy
    right = f", for {points(better)} {'more' if better > 0 else 'less'}" if abs(better) > NOTABLE else ""
    return f"{piece.variant} in one piece takes {duration(whole)} at best (on {piece.plan.stages[0].device}): {more}{right}."


def sorry(posed: JointPosed, versions: Sequence[VersionSaid], front: Sequence[int]) -> str:
    """Why nothing on the front will do; empty where the front itself is."""
    asked = posed.question
    if not front:
        return ""
    deadline = asked.deadline_ms
    soonest, best = versions[front[0]], versions[front[-1]]
    enough = [versions[place] for place in front if asked.floor is None or versions[place].accuracy >= asked.floor]
    assert soonest.latency_ms is not None
    if not enough:
        return (f"Nothing is right in {percent(asked.floor or 0)} of the images: the most accurate, {best.name}, is in "
                f"{percent(best.accuracy)}.")
    first = enough[0]
    assert first.latency_ms is not None and deadline is not None
    accurate = f" of at least {percent(asked.floor)}" if asked.floor else ""
    return (f"Nothing{accurate} comes within {duration(deadline / 1e3)}: the soonest, {first.name}, takes "
            f"{duration(first.latency_ms / 1e3)}.")


def impossible(clashing: Sequence[str]) -> str:
    if not clashing:
        return "No plan of any version is possible, whatever the rules: links are missing."
    lines = listed([f"“{each}”" for each in clashing])
    together = f"The rules {lines} cannot be kept together" if len(clashing) > 1 else f"The rule {lines} cannot be kept"
    return f"{together} by any version. Leave one out or change it."
