"""Planner: exact plans over many tiers, beside counting all of them out, naively and with running totals."""

from __future__ import annotations

import statistics
import time
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import combinations_with_replacement, pairwise
from math import comb
from pathlib import Path

import numpy as np

from bench import questions
from worker.partitioning import scission
from worker.partitioning.planner import constraints as c
from worker.partitioning.planner.asking import best
from worker.partitioning.planner.plan import Plan
from worker.partitioning.planner.problem import Problem, Resource
from worker.planning import Question

PUBLISHED = Path(__file__).resolve().parents[2] / "shared/data/scission/scission"
ABSENT = "not measured: the published profiles are not here"
REPEATS = 15
# The last six took longest of 160 that were tried.
SEEDS = (*range(14), 23, 35, 116, 121, 122, 123)
ONE_KIND: dict[str, Callable[[Problem], c.Constraint]] = {
    "a tier used": lambda _: c.TierUsed(2), "a tier unused": lambda _: c.TierUnused(2),
    "a resource used": lambda _: c.Used("r1.0"),
    "a resource unused": lambda _: c.Unused("r1.0"), "a block pinned": lambda _: c.RunsIn(2, (250,)),
    "a block kept away": lambda _: c.RunsNotIn(2, (250,)), "bytes out of a tier": lambda _: c.BytesOut(1, 100_000),
    "crossing tensors": lambda _: c.CrossingTensors(1), "the input stays": lambda _: c.InputStays(),
    "seconds in a tier": lambda given: c.SecondsIn(2, float(given.seconds[2].sum()) / 10),
    "joules in a tier": lambda given: c.JoulesIn(1, 20.0), "memory of a resource": lambda _: c.MemoryOf("r2.0", 3000)}
# Of whole plans, from what the thriftiest plan uses (0) to what the fastest does (1).
BETWEEN = (0.05, 0.2, 0.35, 0.5, 0.6, 0.7, 0.8, 0.95)
WHOLE: dict[str, Callable[[Problem, float], c.Constraint]] = {
    "a share of the computing": lambda given, part: c.ShareIn(4, _between(part, 0.0, _share(given))),
    "bytes in all": lambda given, part: c.BytesInAll(int(_between(part, 0, best(given, count=1)[0].bytes))),
    "joules in all": lambda given, part: c.JoulesInAll(_between(
        part, _joules(given, best(given, count=1, objective="energy")[0]), _joules(given, best(given, count=1)[0])))}


def problem(seed: int, blocks: int, tiers: list[int]) -> Problem:
    """Random times that fall from tier to tier as machines get faster; tensors up to 1 MB, links of 0.1 to 1.1 MB/s."""
    chance = np.random.default_rng(seed)
    resources = tuple(Resource(f"r{tier}.{each}", tier) for tier, many in enumerate(tiers) for each in range(many))
    count = len(resources)
    faster = np.array([1 / (1 + each.tier) for each in resources])[:, None]
    return Problem(resources, chance.random((count, blocks)) * faster, chance.integers(1, 10**6, blocks + 1),
                   chance.random((count, count)), 1e6 * (0.1 + chance.random((count, count))),
                   crossing_tensors=chance.integers(1, 3, blocks + 1), joules=chance.random((count, blocks)),
                   params_bytes=chance.integers(0, 100, blocks), activation_bytes=chance.integers(0, 1000, blocks))


def _between(part: float, low: float, high: float) -> float:
    return low + part * (high - low)


def _joules(given: Problem, plan: Plan) -> float:
    names = [each.name for each in given.resources]
    assert given.joules is not None
    return sum(float(given.joules[names.index(stage.resource), stage.first:stage.stop].sum()) for stage in plan.stages)


def _share(given: Problem) -> float:
    """Percent of the fastest plan's computing in the last tier."""
    (plan,) = best(given, count=1)
    return 100 * sum(stage.seconds for stage in plan.stages if stage.tier == 4) / plan.compute_s


def rows() -> Iterator[tuple[str, str]]:
    large = problem(0, 500, [1] * 5)
    yield "500 blocks, 5 tiers: top 10", _goal(_cpu_ms(large, lambda given: best(given)), 6, "ms")
    yield "500 blocks, 5 tiers: memory at the peak", _goal(_peak_mb(large), 5, "MB")
    yield from _counted_out(500, 5)
    slowest = {name: _cpu_ms(large, lambda given, make=make: best(given, [make(given)])) for name, make in ONE_KIND.items()}
    name = max(slowest, key=lambda each: slowest[each])
    yield f"with any one of {len(slowest)} kinds of constraint, the slowest ({name})", _goal(slowest[name], 30, "ms")
    for name, make in WHOLE.items():
        every = [problem(seed, 500, [1] * 5) for seed in SEEDS]
        took = [_one_ms(given, make(given, part)) for given in every for part in BETWEEN]
        middle = statistics.median(took)
        yield f"{name}: the slowest of {len(took)} problems", f"{_goal(max(took), 250, 'ms')}; median {middle:.1f} ms"
    wide = problem(0, 500, [3] * 8 + [2] * 2)
    for count, goal in ((1, 10), (100, 60)):
        yield (f"500 blocks, 10 tiers, 28 resources: top {count}",
               _goal(_cpu_ms(wide, lambda given, count=count: best(given, count=count)), goal, "ms"))
    yield "4 to 20 blocks, 3 tiers: longer than counting out, at most", _goal(_small(), 1, "ms")
    yield "published MobileNet, 92 blocks, 5 resources in 3 tiers: top 5", _published()
    yield from _answered(large)


def _cpu_ms(given: Problem, ask: Callable[[Problem], object], repeats: int = REPEATS) -> float:
    """The median; what a problem has worked out is forgotten each time."""
    took = []
    for _ in range(repeats):
        given.__dict__.pop("transfer_s", None)
        begun = time.process_time()
        ask(given)
        took.append(1e3 * (time.process_time() - begun))
    return statistics.median(took)


def _one_ms(given: Problem, asked: c.Constraint) -> float:
    return _cpu_ms(given, lambda given: best(given, [asked]), 1)


def _goal(found: float, most: float, unit: str) -> str:
    return f"{found:.2f} {unit} ({'' if found <= most else '**MISSED** '}goal: at most {most} {unit})"


def _peak_mb(given: Problem) -> float:
    given.__dict__.pop("transfer_s", None)
    tracemalloc.start()
    best(given)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6


def _counted_out(blocks: int, tiers: int) -> Iterator[tuple[str, str]]:
    """Timed on 60 blocks in 3 tiers, and reckoned up by the number of plans, and of blocks where each is summed anew."""
    small = problem(0, 60, [1] * 3)
    plans, more = comb(62, 2), comb(blocks + tiers - 1, tiers - 1)
    naive, running = (_wall_s(small, way) / plans * more for way in (counted_naively, counted_by_totals))
    hours = naive * blocks / 60 / 3600
    yield f"{blocks} blocks, {tiers} tiers: {more:,} plans counted out naively", f"{hours:.1f} h, extrapolated"
    yield f"{blocks} blocks, {tiers} tiers: counted out with running totals", f"{running / 60:.0f} min, extrapolated"


def _wall_s(given: Problem, way: Callable[[Problem], object]) -> float:
    took = []
    for _ in range(3):
        begun = time.perf_counter()
        way(given)
        took.append(time.perf_counter() - begun)
    return min(took)


def counted_naively(given: Problem) -> list[tuple[float, tuple[int, ...]]]:
    """Every plan of one resource a tier, each block's time added up anew; the ten best."""
    seconds, move = given.seconds.tolist(), given.transfer_s.tolist()
    return _ten(given, lambda place, first, stop: sum(seconds[place][block] for block in range(first, stop)), move)


def counted_by_totals(given: Problem) -> list[tuple[float, tuple[int, ...]]]:
    total = np.concatenate((np.zeros((len(given.seconds), 1)), np.cumsum(given.seconds, axis=1)), axis=1).tolist()
    return _ten(given, lambda place, first, stop: total[place][stop] - total[place][first], given.transfer_s.tolist())


def _ten(given: Problem, took: Callable[[int, int, int], float],
         move: list[list[list[float]]]) -> list[tuple[float, tuple[int, ...]]]:
    found = []
    for cuts in combinations_with_replacement(range(given.blocks + 1), len(given.resources) - 1):
        last, cost = given.source, 0.0
        for place, (first, stop) in enumerate(pairwise((0, *cuts, given.blocks))):
            if stop > first:
                cost += move[first][last][place] + took(place, first, stop)
                last = place
        found.append((cost, cuts))
    return sorted(found)[:10]


def _small() -> float:
    """By how much the planner takes longer, at the most, in ms."""
    late = []
    for blocks in range(4, 21, 4):
        given = problem(blocks, blocks, [1] * 3)
        assert [round(plan.latency_s, 9) for plan in best(given)] == [round(cost, 9) for cost, _ in counted_by_totals(given)]
        late.append(1e3 * (_wall_s(given, best) - _wall_s(given, counted_by_totals)))
    return max(late)


def _answered(large: Problem) -> Iterator[tuple[str, str]]:
    """Whole answers: plans in words, every device alone with its why, who wins where."""
    given, profiles = questions.random(large)
    for what, question in questions.ways(given, questions.RULES):
        yield f"answer, 500 blocks on 5 devices: {what}", _asked(question, profiles)
    if not PUBLISHED.is_dir():
        yield "answer, published MobileNet", ABSENT
        return
    given, profiles = questions.published(*_mobilenet())
    for what, question in questions.ways(given):
        yield f"answer, published MobileNet on 5 devices: {what}", _asked(question, profiles)


def _asked(question: Question, profiles: questions.Profiles) -> str:
    took = questions.cpu_ms(question, profiles)
    return f"{took:.2f} ms" if question.pareto else _goal(took, 50, "ms")


def _mobilenet() -> tuple[list[scission.Measured], list[scission.Wire]]:
    from worker import scission_command as door

    return list(door._measured(PUBLISHED, "mobilenet")), list(door._wires(PUBLISHED / "network_stats.csv"))


def _published() -> str:
    if not PUBLISHED.is_dir():
        return ABSENT
    resources, wires = _mobilenet()
    took = []
    for _ in range(REPEATS):
        begun = time.process_time()
        found = scission.answers(resources, wires, scission.Query())
        took.append(1e3 * (time.process_time() - begun))
    return f"{_goal(statistics.median(took), 16, 'ms')}; best {found[0].plan.latency_s:.4f} s"
