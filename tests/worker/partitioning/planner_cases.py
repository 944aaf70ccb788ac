"""Random problems small enough to count out every plan, and all their plans."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, product

import numpy as np

from worker.partitioning.planner import constraints as c
from worker.partitioning.planner.checking import faults
from worker.partitioning.planner.plan import Plan, plan_of
from worker.partitioning.planner.problem import Problem, Resource
from worker.partitioning.planner.ranking import Path, Run


def problem(seed: int, *, blocks: int | None = None, has_ties: bool = False) -> Problem:
    """Up to 8 blocks and 4 tiers of 1 or 2 resources; whole small numbers where plans shall often cost the same."""
    chance = np.random.default_rng(seed)
    tiers = chance.integers(1, 3, chance.integers(1, 5)).tolist()
    resources = tuple(Resource(f"r{tier}{letter}", tier) for tier, many in enumerate(tiers) for letter in "ab"[:many])
    count = len(resources)
    n = blocks or int(chance.integers(1, 9 if count < 4 else 8 if count < 6 else 6))

    def drawn(*shape: int) -> np.ndarray:  # type: ignore[type-arg]
        return chance.integers(0, 4, shape).astype(np.float64) if has_ties else chance.random(shape)

    speed = np.where(chance.random((count, count)) < 0.1, 0.0, 1.0 if has_ties else 1e6 * (0.1 + drawn(count, count)))
    return Problem(resources, drawn(count, n), chance.integers(0, 4 if has_ties else 10**6, n + 1), drawn(count, count), speed,
                   returns=bool(chance.integers(2)), crossing_tensors=chance.integers(1, 4, n + 1), joules=drawn(count, n),
                   joules_per_byte=drawn(count, count) * 1e-6, params_bytes=chance.integers(0, 100, n),
                   activation_bytes=chance.integers(0, 100, n))


def every(given: Problem) -> Iterator[Plan]:
    """All plans in the order of their resources block by block, by counting them out."""
    tiers = [each.tier for each in given.resources]
    for places in product(range(len(tiers)), repeat=given.blocks):
        if all(a == b or tiers[a] < tiers[b] for a, b in pairwise(places)) and _is_linked(given, places):
            yield plan_of(given, _path(places))


def kept(given: Problem, asked: list[c.Constraint]) -> list[Plan]:
    return [plan for plan in every(given) if not faults(given, plan, asked)]


def _is_linked(given: Problem, places: tuple[int, ...]) -> bool:
    stays = [given.source, *places, *([given.source] if given.returns else [])]
    return all(a == b or given.bytes_per_s[a, b] > 0 for a, b in pairwise(stays))


def _path(places: tuple[int, ...]) -> Path:
    cuts = [0, *(i for i in range(1, len(places)) if places[i] != places[i - 1]), len(places)]
    return tuple(Run(places[first], first, stop) for first, stop in pairwise(cuts))


def asked(given: Problem, seed: int) -> dict[str, c.Constraint]:
    """One of each kind, sharp enough to matter."""
    chance = np.random.default_rng(seed)
    tiers = sorted({each.tier for each in given.resources})
    tier = int(chance.choice(tiers))
    resource = given.resources[int(chance.integers(len(given.resources)))].name
    some = tuple(sorted({int(block) for block in chance.integers(0, given.blocks, 2)}))
    row = next(place for place, each in enumerate(given.resources) if each.tier == tier)
    return {
        "tier used": c.TierUsed(tier), "tier unused": c.TierUnused(tier), "used": c.Used(resource), "unused": c.Unused(resource),
        "runs in": c.RunsIn(tier, some), "runs not in": c.RunsNotIn(tier, some),
        "bytes out": c.BytesOut(tier, int(np.median(given.crossing_bytes))), "tensors": c.CrossingTensors(2),
        "input stays": c.InputStays(), "seconds": c.SecondsIn(tier, float(given.seconds[row].sum()) * 0.6),
        "joules": c.JoulesIn(tier, float(given.joules[row].sum()) * 0.6 if given.joules is not None else 0.0),
        "share": c.ShareIn(tier, float(chance.choice([20, 50, 70]))), "bytes in all": c.BytesInAll(
            int(np.median(given.crossing_bytes) * 2)),
        "joules in all": c.JoulesInAll(float(given.joules.min(axis=0).sum()) * 1.6 if given.joules is not None else 0.0),
        "memory": c.MemoryOf(resource, int(chance.integers(50, 300))),
        "runs on": c.RunsIn(resource, some[:1]), "runs not on": c.RunsNotIn(resource, some),
        "bytes out of one": c.BytesOut(resource, int(np.median(given.crossing_bytes))),
        "seconds on one": c.SecondsIn(resource, float(given.seconds[row].sum()) * 0.6),
        "joules on one": c.JoulesIn(resource, float(given.joules[row].sum()) * 0.6 if given.joules is not None else 0.0),
        "share of one": c.ShareIn(resource, float(chance.choice([20, 50, 70]))),
        "memory of a tier": c.MemoryOf(tier, int(chance.integers(50, 300)))}


def plain(seconds: list[list[float]], crossing_bytes: list[int], bytes_per_s: float = 1.0) -> Problem:
    """A resource in each tier, called by its tier's number, and links of one speed without latency."""
    count = len(seconds)
    resources = tuple(Resource(str(tier), tier) for tier in range(count))
    return Problem(resources, np.array(seconds), np.array(crossing_bytes, np.int64), np.zeros((count, count)),
                   np.full((count, count), bytes_per_s))
