"""The least latency of every form of a variant, from two sweeps: what it costs to come to a cut, and to go on from there.

The best plan that is cut at c comes at the least cost to run the blocks before c and end on q, goes over one link, and goes on
at the least cost to run the rest and begin on r. The first is known for all c and q from one forward sweep, the last from the
backward sweep of the planner; a transfer layer only adds to what lies between. So all forms together cost little more than one
plan does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

import numpy as np

from worker.partitioning.joint.versions import Layer, Variant, Version
from worker.partitioning.planner import constraints as c
from worker.partitioning.planner.asking import space_of
from worker.partitioning.planner.problem import DEAREST, NEVER, Costs, Floats, Ints, Problem, scale_of, whole
from worker.partitioning.planner.space import Space
from worker.partitioning.planner.sweep import Field, best_ends, sweep
from worker.partitioning.planner.within import least, prices_of

# What says of a message, whatever blocks run before and behind it, whether it may go.
OF_MESSAGES = (c.BytesOut, c.CrossingTensors, c.TierUsed, c.Used)


@dataclass(frozen=True)
class Bound:
    """No plan of the version takes less; where `is_exact`, the best one takes so long. Infinite where there is none."""

    seconds: float
    is_exact: bool


def bounds(variant: Variant) -> list[Bound]:
    """One for each of `variant.versions`, in their order."""
    problem, space = variant.problem, space_of(variant.problem, variant.asked)
    scale = _scale(problem, variant.layers)
    field = sweep(space, _costs(problem, scale))
    reach = reached(field)
    found = [_whole(field), _split(field, reach), *_with_layers(variant, field, reach, scale)]
    is_additive = not space.budgets
    # What a layer adds to its neighbours may pass a limit on what runs together.
    exact = [is_additive] * 2 + [is_additive and not space.uses and not space.peaks] * len(variant.layers)
    return [Bound(cost / scale if cost < DEAREST else inf, known) for cost, known in zip(found, exact, strict=True)]


def prices(variant: Variant) -> list[float]:
    """What a unit of each budget is worth in this variant without a transfer layer; none where nothing is limited so."""
    space = space_of(variant.problem, variant.asked)
    if not space.budgets:
        return []
    costs = _costs(variant.problem, _scale(variant.problem))
    is_possible = int(sweep(space, costs).first.min()) < DEAREST
    return prices_of(space, costs) if is_possible else [0.0] * len(space.budgets)


def priced(variant: Variant, version: Version, prices: Sequence[float]) -> float:
    """Seconds than which no plan of this version takes less: one sweep of its own, what budgets allow priced."""
    problem = variant.problem_of(version)
    scale = _scale(problem)
    lowest = least(space_of(problem, variant.kept_by(version)), _costs(problem, scale), prices)
    return lowest / scale if lowest < DEAREST else inf


def _costs(problem: Problem, scale: float) -> Costs:
    return Costs(whole(problem.seconds, scale), whole(problem.transfer_s, scale))


def reached(field: Field) -> Ints:
    """R x (N + 1): the least cost of blocks[:i] with the last of them on r; NEVER where nothing leads there."""
    arrive, reach = np.full_like(field.total, NEVER), np.full_like(field.total, NEVER)
    arrive[:, 0] = field.hops[0, field.source]
    backwards = _begins(field.ends)
    for tier in sorted(set(field.tiers.tolist())):
        here, before = np.flatnonzero(field.tiers == tier), np.flatnonzero(field.tiers < tier)
        if len(before):
            onwards = field.hops[1:-1][:, before[:, None], here] + reach[before, 1:-1].T[:, :, None]
            arrive[here, 1:-1] = onwards.min(axis=1).T
        arrive[here] = np.where(arrive[here] < DEAREST, arrive[here], NEVER)
        best = best_ends((arrive[here] - field.total[here])[:, ::-1], backwards[here])[:, ::-1]
        reach[here] = np.where(best < DEAREST, best + field.total[here], NEVER)
    return reach


def _begins(ends: Ints) -> Ints:
    """Where a run that ends before block i begins at the earliest, counted from the end as the values beside it are."""
    blocks = ends.shape[1] - 1
    stops = np.arange(blocks + 1)
    first = np.stack([np.searchsorted(row[:-1], stops, side="left") for row in ends])
    return np.asarray((blocks - first)[:, ::-1], np.int64)


def _scale(problem: Problem, layers: Sequence[Layer] = ()) -> float:
    """As the planner's own, with room for what layers add."""
    dearest = float(problem.transfer_s[np.isfinite(problem.transfer_s)].max(initial=0.0))
    more = max((float(each.down_s.max() + each.up_s.max()) for each in layers), default=0.0)
    hops = dearest * (len(set(problem.tiers.tolist())) + 2)
    return scale_of(float(problem.seconds.max(axis=0).sum()) + more + hops)


def _whole(field: Field) -> int:
    blocks = field.total.shape[1] - 1
    alone = field.hops[0, field.source] + field.total[:, -1] + field.after[:, -1]
    return int(np.where(field.ends[:, 0] == blocks, alone, NEVER).min())


def _split(field: Field, reach: Ints) -> int:
    if field.total.shape[1] < 3:
        return NEVER
    ways = reach.T[1:-1, :, None] + field.hops[1:-1] + field.run.T[1:-1, None, :]
    return int(ways.min())


def _with_layers(variant: Variant, field: Field, reach: Ints, scale: float) -> list[int]:
    """L layers at once: where the head ends on q and the tail begins on r, for all pairs of resources."""
    if not variant.layers:
        return []
    cuts = np.array([each.cut for each in variant.layers])
    down, up = (whole(np.stack(rows), scale) for rows in zip(*((each.down_s, each.up_s) for each in variant.layers), strict=True))
    messages = _messages(variant)
    hops = np.where(messages.hops[1:-1], whole(messages.problem.transfer_s, scale)[1:-1], NEVER)
    ways = (reach.T[cuts] + down)[:, :, None] + hops + (up + field.run.T[cuts])[:, None, :]
    return [int(each) for each in ways.min(axis=(1, 2))]


def _messages(variant: Variant) -> Space:
    """A problem whose cuts are those of the layers, each with what crosses it: which message may go where, at what cost."""
    problem, count = variant.problem, len(variant.layers)
    sizes = [problem.crossing_bytes[0], *(each.bytes for each in variant.layers), problem.crossing_bytes[-1]]
    nothing: Floats = np.zeros((len(problem.resources), count + 1))
    of_layers = replace(problem, seconds=nothing, crossing_bytes=np.array(sizes, np.int64),
                        crossing_tensors=np.ones(count + 2, np.int64), joules=None, params_bytes=None, activation_bytes=None)
    return space_of(of_layers, [each for each in variant.asked if isinstance(each, OF_MESSAGES)])
