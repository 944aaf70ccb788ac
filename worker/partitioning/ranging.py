"""Who wins where: bands of a link's conditions, in the numbers that were asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby, pairwise

import numpy as np

from worker.partitioning import layered
from worker.partitioning.planned import as_it_is, said
from worker.partitioning.planner.bands import Band, bands
from worker.partitioning.planner.constraints import Constraint
from worker.partitioning.planner.plan import Plan
from worker.partitioning.planner.problem import Problem
from worker.partitioning.posing import BYTES_OF_A_MEGABIT, Posed
from worker.partitioning.telling import key_of
from worker.planning.answer import BandSaid
from worker.planning.question import Range, Road


def ranged(posed: Posed, plans: Sequence[Plan]) -> tuple[BandSaid, ...]:
    """Each plan's own numbers are those of the present links."""
    wanted = posed.question.range
    if wanted is None or not plans or posed.question.objective == "throughput":
        return ()
    if posed.question.objective != "latency":  # links change neither bytes nor joules
        return (BandSaid(low=wanted.low, high=wanted.high, plan=said(posed, plans[0])),)
    found = [list(some) for _, some in groupby(_bands(posed, wanted), key=lambda band: key_of(band.plan))]
    stops = [wanted.low, *(some[0].low for some in found[1:]), wanted.high]
    return tuple(BandSaid(low=low, high=high, plan=said(posed, as_it_is(posed, some[0].plan)))
                 for some, (low, high) in zip(found, pairwise(stops), strict=True))


def _bands(posed: Posed, wanted: Range) -> list[Band]:
    """A single link is made one Mbit/s fast, or one millisecond slow: then factors are its own numbers."""
    problem = posed.problem

    def search(there: Problem, asked: Sequence[Constraint]) -> list[Plan]:
        return layered.best(posed.under(asked, there), count=1)

    if not wanted.sender:
        return bands(problem, posed.constraints, varying=wanted.varying, low=wanted.low, high=wanted.high, search=search)
    links = np.zeros(problem.latency_s.shape, np.bool_)
    way = posed.place(wanted.sender), posed.place(wanted.receiver)
    links[way] = problem.bytes_per_s[way] > 0  # a link that no plan may use does not come to be used by being varied
    if wanted.varying == "latency":
        problem = replace(problem, latency_s=np.where(links, 1e-3, problem.latency_s))
    else:
        problem = replace(problem, bytes_per_s=np.where(links, BYTES_OF_A_MEGABIT, problem.bytes_per_s))
    return bands(problem, posed.constraints, varying=wanted.varying, low=wanted.low, high=wanted.high, links=links,
                 search=search)


def stays(posed: Posed, found: Sequence[BandSaid], plans: Sequence[Plan]) -> BandSaid | None:
    """The band of the present conditions; of two that meet there the first plan's own.

    Where another plan is as good all along, it is the first one's band too. Where the present lies outside of the range, the
    plan that is best now and at the range's end is so in between as well, as latencies are straight lines.
    """
    if not posed.question.range or not found:
        return None
    now, key = present(posed.question.roads, posed.question.range), key_of(plans[0])
    inside = min(max(now, found[0].low), found[-1].high)
    here = [band for band in found if band.low <= inside <= band.high and (now == inside or band.plan.key == key)]
    return min(here, key=lambda band: band.plan.key != key).model_copy(update={"plan": said(posed, plans[0])}) if here else None


def present(roads: Sequence[Road], wanted: Range) -> float:
    """In the numbers of the range: what the link has now, or 1 for all of them."""
    road = next((road for road in roads if (road.sender, road.receiver) == (wanted.sender, wanted.receiver)), None)
    return 1.0 if road is None else road.latency_ms if wanted.varying == "latency" else road.bandwidth_mbps
