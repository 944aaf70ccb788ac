"""A question to the planner answered: the best plans, why others lost, who wins where, and what to know of the numbers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence

from worker.partitioning import layered
from worker.partitioning.natives import natives
from worker.partitioning.planned import said
from worker.partitioning.planner.conflicts import conflict
from worker.partitioning.planner.constraints import Constraint, RunsIn, TierUsed
from worker.partitioning.planner.plan import Plan
from worker.partitioning.planner.problem import Problem
from worker.partitioning.planner.within import TooMany
from worker.partitioning.posing import Posed, posed
from worker.partitioning.ranging import ranged, stays
from worker.partitioning.ruling import Asked
from worker.partitioning.telling import listed
from worker.partitioning.unfit import TooMuch, Unfit
from worker.partitioning.verdicts import verdict
from worker.planning.answer import Answer, PlanSaid
from worker.planning.question import TIERS, Question
from worker.profile import NetworkProfile

__all__ = ["Unfit", "answer"]


def answer(question: Question, profiles: Mapping[str, NetworkProfile]) -> Answer:
    """profiles: by the keys that the question's places name. Raises Unfit where it cannot be asked; nothing else."""
    begun = time.perf_counter()
    try:
        found = _answer(posed(question, profiles))
    except TooMany as error:
        raise TooMuch({"rules": str(error)}) from None
    return found.model_copy(update={"took_ms": 1e3 * (time.perf_counter() - begun)})


def _answer(posed: Posed) -> Answer:
    question, problem = posed.question, posed.problem
    plans = layered.best(posed.variant, count=question.count, objective=question.objective)
    bands = ranged(posed, plans)
    clashing = [] if plans else _clashing(posed)
    return Answer(
        plans=tuple(said(posed, plan) for plan in plans), natives=natives(posed, plans), bands=bands,
        stays=stays(posed, bands, plans), pareto=_pareto(posed), conflict=tuple(each.line for each in clashing),
        sorry="" if plans else _sorry(posed, clashing), verdict=verdict(posed, plans), warnings=tuple(_warnings(posed)),
        blocks=problem.blocks, cuts=problem.blocks - 1, layers=len(posed.fitted), input_bytes=int(problem.crossing_bytes[0]))


def _pareto(posed: Posed) -> tuple[PlanSaid, ...]:
    return tuple(said(posed, plan) for plan in layered.pareto(posed.variant)) if posed.question.pareto else ()


def _clashing(posed: Posed) -> list[Asked]:
    def search(asked: Sequence[Constraint]) -> list[tuple[Plan, Problem]]:
        under = posed.under(asked)
        return [(plan, layered.problem_of(under, plan)) for plan in layered.best(under, count=1)]

    found = conflict(posed.problem, [each.constraint for each in posed.asked], posed.always, search) or []
    places = [next(number for number, each in enumerate(posed.asked) if each.constraint is one) for one in found]
    return [posed.asked[number] for number in places]


def _sorry(posed: Posed, clashing: Sequence[Asked]) -> str:
    if not clashing:
        return "No plan is possible, whatever the rules: links are missing."
    lines = listed([f"“{each.line}”" for each in clashing])
    together = f"The rules {lines} cannot be kept together" if len(clashing) > 1 else f"The rule {lines} cannot be kept"
    empty = _empty_tiers(posed, clashing)
    return f"{together}{f': no device is in the tier {listed(empty)}' if empty else ''}. Leave one out or change it."


def _empty_tiers(posed: Posed, clashing: Sequence[Asked]) -> list[str]:
    there = {place.tier for place in posed.places}
    wanted: set[int | str] = {each.constraint.tier for each in clashing if isinstance(each.constraint, TierUsed)}
    wanted |= {each.constraint.where for each in clashing if isinstance(each.constraint, RunsIn)}
    return [tier for number, tier in enumerate(TIERS) if number in wanted - there]


def _warnings(posed: Posed) -> Iterator[str]:
    yield from posed.network.warnings
    yield from posed.warnings
    if posed.question.range and posed.question.objective == "throughput":
        yield "Which plan wins where is known for latency, bytes and energy; not for throughput."
