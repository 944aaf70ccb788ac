"""Two identical networks as two runs of the benchmark protocol: how often they take the same time, or are called noisy."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch

from worker.context import Context
from worker.dnn import architectures
from worker.events import Measured
from worker.profiling import eager
from worker.profiling.engines import Engine, onnx_engine
from worker.profiling.protocol import measured
from worker.profiling.sampling import Goal
from worker.profiling.steps import Options
from worker.profiling.stopwatch import Plan, clock
from worker.profiling.variants import Variant, write

T = TypeVar("T")
NETWORKS = ("lenet5", "resnet20", "mobilenet_v2")
SHAPE = (3, 32, 32)
PAIRS, WITHIN = 6, (0.95, 1.05)
TURNS = Plan(warmup=10, least=100, seconds=0.5, most=10_000, rounds=4)
OPTIONS = Options(Goal(100, 0.5, 10_000), warmup=10, cooldown_s=1.0, tries=3)


@dataclass(frozen=True)
class Pair:
    """The ratio of two medians, and whether either of the two timings asked not to be trusted."""

    ratio: float
    doubtful: bool

    @property
    def is_close(self) -> bool:
        return WITHIN[0] <= self.ratio <= WITHIN[1]


def rows() -> Iterator[tuple[str, str]]:
    torch.set_num_threads(1)
    yield "each pair", (f"one after the other, {OPTIONS.goal.least} inferences and {OPTIONS.goal.seconds:g} s at least, batch 1, "
                        f"one thread, {OPTIONS.tries} tries, gate {OPTIONS.cooldown_s:g} s; {PAIRS} pairs a network and engine")
    every: list[Pair] = []
    for name in NETWORKS:
        for engine in ("onnxruntime", "torch"):
            found = [_pair(name, engine) for _ in range(PAIRS)]
            every += found
            yield f"{name}, {engine}", _told(found)
    wrong = sum(not pair.is_close and not pair.doubtful for pair in every)
    yield "outside 0.95 to 1.05 and called stable", f"{wrong} of {len(every)} (goal: none{'' if not wrong else ' **MISSED**'})"
    turned = [_in_turn(name, engine) for name in NETWORKS for engine in ("onnxruntime", "torch") for _ in range(PAIRS)]
    wrong = sum(not pair.is_close and not pair.doubtful for pair in turned)
    yield "the same pairs timed in turn, as two files of one run are", _told(turned)
    missed = " **MISSED**" if wrong else ""
    yield "in turn: outside 0.95 to 1.05 and called stable", f"{wrong} of {len(turned)} (goal: none{missed})"


def _told(found: list[Pair]) -> str:
    stable = [pair for pair in found if not pair.doubtful]
    ratios, close = sorted(pair.ratio for pair in found), sum(pair.is_close for pair in found)
    return (f"{close} of {len(found)} within 0.95 to 1.05, {len(found) - len(stable)} called noisy or throttled, "
            f"{sum(pair.is_close for pair in stable)} of the {len(stable)} stable ones within; ratio {ratios[0]:.3f} to "
            f"{ratios[-1]:.3f}, median {statistics.median(ratios):.3f}")


def _pair(name: str, engine: str) -> Pair:
    with tempfile.TemporaryDirectory(prefix="twins-") as folder:
        first, second = (_timed(name, engine, Path(folder) / twin) for twin in ("one", "two"))
    assert first.value and second.value
    return Pair(first.value / second.value, first.noisy or second.noisy)


def _in_turn(name: str, engine: str) -> Pair:
    """Both networks open at once, timed by turns: what drifts meanwhile drifts for both."""
    with tempfile.TemporaryDirectory(prefix="twins-") as folder:
        places = {twin: Path(folder) / twin for twin in ("one", "two")}
        for place in places.values():
            place.mkdir()
        calls = {twin: _engine(engine, _written(name, place), place).open(1) for twin, place in places.items()}
        first, second = concluded(clock(calls, TURNS)).values()
    return Pair(first.p50_ms / second.p50_ms, bool(first.noise or second.noise))


def _timed(name: str, engine: str, folder: Path) -> Measured:
    """One run of the protocol with a network of its own, built and written anew."""
    context = Context(folder)
    variant = _written(name, folder)
    running = measured(variant, [_engine(engine, variant, folder)], OPTIONS, context)
    return next(event for event in running if isinstance(event, Measured) and event.metric == "latency_ms_p50")


def _engine(engine: str, variant: Variant, folder: Path) -> Engine:
    if engine == "onnxruntime":
        return onnx_engine(variant, threads=1)
    return eager.engine(variant.network, SHAPE, variant.path, threads=1, on_gpu=False, workdir=folder)


def _written(name: str, folder: Path) -> Variant:
    return concluded(write(architectures.build(name, seed=1), name, in_shape=SHAPE, classes=10, folder=folder))


def concluded(running: Generator[object, None, T]) -> T:
    """What a generator returns, when nobody listens to it."""
    while True:
        try:
            next(running)
        except StopIteration as end:
            found: T = end.value
            return found
