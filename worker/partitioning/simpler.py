"""Simpler ways than planning, to hold plans against: one cut between two devices, at the smallest tensor or the best of all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from worker.partitioning.answering import answer
from worker.planning import Question, rules
from worker.planning.answer import PlanSaid
from worker.planning.question import Place
from worker.profile import NetworkProfile

SMALLEST, BEST_OF_TWO = "smallest tensor", "one cut, two devices"


class Way(NamedTuple):
    name: str
    plan: PlanSaid


def simpler(question: Question, profiles: Mapping[str, NetworkProfile]) -> Iterator[Way]:
    """Under the same rules; a way that cannot keep them is left out. Where several pairs of devices can, the fastest speaks."""
    pairs = [made for place in question.places[1:] if (made := _pair(question, place))]
    cuts = [plan for pair in pairs if (plan := _best(_cut(pair), profiles, "bytes"))]
    if cuts:
        yield Way(SMALLEST, min(cuts, key=lambda plan: plan.latency_ms))
    both = [plan for pair in pairs if (plan := _best(pair, profiles, "latency"))]
    if both:
        yield Way(BEST_OF_TWO, min(both, key=lambda plan: plan.latency_ms))


def _pair(question: Question, other: Place) -> Question | None:
    """The device that holds the input and one of a higher tier; None where a rule wants another one."""
    first = question.places[0]
    names = {each.device for each in question.places} - {first.device, other.device}
    kept = []
    for line in question.rules:
        rule = rules.read(line)
        if rule.where not in names:
            kept.append(line)
        elif rule.verb in ("use", "in"):
            return None
    if other.tier <= first.tier:
        return None
    return question.model_copy(update={
        "places": (first, other), "rules": tuple(kept), "count": 1, "range": None, "pareto": False,
        "roads": tuple(each for each in question.roads if not {each.sender, each.receiver} & names)})


def _cut(pair: Question) -> Question:
    return pair.model_copy(update={"rules": (*pair.rules, *(f"use {place.device}" for place in pair.places))})


def _best(question: Question, profiles: Mapping[str, NetworkProfile], objective: str) -> PlanSaid | None:
    return next(iter(answer(question.model_copy(update={"objective": objective}), profiles).plans), None)
