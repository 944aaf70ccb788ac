"""Warm laps, timed laps, every raw sample kept, and a word on how quiet the machine was. NumPy only."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worker.profiling.pulse import Pulse

Call = Callable[[], object]
STOLEN = 1.15
TAIL = 1.5
VAGUE = 0.1
QUIET_MARGIN = 1.05
NOISY_MARGIN = 1.25


@dataclass(frozen=True)
class Plan:
    """How long to time: at least `least` laps and at least `seconds`, never more than `most` laps.

    Several calls take turns in `rounds`, so that a slow drift of the machine falls on all of them alike.
    """

    warmup: int = 3
    least: int = 10
    seconds: float = 0.3
    most: int = 2000
    rounds: int = 5


QUICK = Plan(warmup=2, least=12, seconds=0.1, rounds=4)


@dataclass(frozen=True)
class Timing:
    """Raw samples of one call, and the wall and CPU time they took together."""

    samples_ns: NDArray[np.int64]
    wall_s: float
    cpu_s: float

    def quantile_ms(self, q: float) -> float:
        return float(np.quantile(self.samples_ns, q)) / 1e6

    @property
    def p50_ms(self) -> float:
        return self.quantile_ms(0.5)

    @property
    def interval_ms(self) -> tuple[float, float] | None:
        """The nonparametric 95 % interval of the median; none below six samples, where no two ranks enclose it."""
        ranks = median_ranks(len(self.samples_ns))
        if ranks is None:
            return None
        ordered = np.sort(self.samples_ns)
        return float(ordered[ranks[0]]) / 1e6, float(ordered[ranks[1]]) / 1e6

    @property
    def badge(self) -> str:
        return "noisy" if self.noise else "stable"

    @property
    def noise(self) -> list[str]:
        """Why the numbers deserve less trust; empty when they do not."""
        return [reason for reason in (self._stolen(), self._tail(), self._vague()) if reason]

    def _stolen(self) -> str:
        ratio = self.wall_s / self.cpu_s if self.cpu_s else 1.0
        return f"wall time was {ratio:.2f}× the CPU time, so other work shared the processor" if ratio > STOLEN else ""

    def _tail(self) -> str:
        ratio = self.quantile_ms(0.95) / self.p50_ms if self.p50_ms else 1.0
        return f"the slowest twentieth took {ratio:.1f}× the median" if ratio > TAIL else ""

    def _vague(self) -> str:
        found = self.interval_ms
        if found is None:
            return f"{len(self.samples_ns)} samples are too few for an interval"
        half = (found[1] - found[0]) / 2 / self.p50_ms if self.p50_ms else 0.0
        return f"the median is known to ±{100 * half:.0f} % only" if half > VAGUE else ""

    def as_facts(self) -> dict[str, Any]:
        return {"samples_ns": self.samples_ns.tolist(), "wall_s": self.wall_s, "cpu_s": self.cpu_s}

    @classmethod
    def from_facts(cls, facts: dict[str, Any]) -> Timing:
        return cls(np.asarray(facts["samples_ns"], dtype=np.int64), facts["wall_s"], facts["cpu_s"])


@cache
def median_ranks(n: int) -> tuple[int, int] | None:
    """The ranks (from 0) of the two order statistics that enclose the median with at least 95 % probability."""
    # Whole numbers, so that it is exact: `below` of 2**n outcomes put at most `rank` samples under the median.
    rank, ways, below = 0, 1, 1
    while 40 * below <= 2**n:
        ways = ways * (n - rank) // (rank + 1)
        below += ways
        rank += 1
    return (rank - 1, n - rank) if rank else None


def faster(before: Timing, after: Timing) -> float | None:
    """How many times faster `after` is; none when nothing tells the two apart.

    Overlapping intervals do not, nor does a difference that two sessions of one and the same file show as well.
    """
    a, b = before.interval_ms, after.interval_ms
    if a is None or b is None or (a[0] <= b[1] and b[0] <= a[1]):
        return None
    ratio = before.p50_ms / after.p50_ms
    margin = NOISY_MARGIN if before.noise or after.noise else QUIET_MARGIN
    return ratio if ratio > margin or ratio < 1 / margin else None


@dataclass
class _Laps:
    call: Call
    wall_ns: list[int] = field(default_factory=list)
    cpu_ns: int = 0

    def lap(self) -> None:
        cpu = time.process_time_ns()
        begun = time.perf_counter_ns()
        self.call()
        ended = time.perf_counter_ns()
        self.cpu_ns += time.process_time_ns() - cpu
        self.wall_ns.append(ended - begun)

    def block(self, *, least: int, seconds: float, most: int) -> Generator[None, None, None]:
        """Yields after every lap; what the listener does meanwhile is outside the timed part."""
        goal, spent = len(self.wall_ns) + least, sum(self.wall_ns) + seconds * 1e9
        cap = len(self.wall_ns) + most
        while len(self.wall_ns) < cap and (len(self.wall_ns) < goal or sum(self.wall_ns) < spent):
            self.lap()
            yield

    def timing(self) -> Timing:
        return Timing(np.asarray(self.wall_ns, dtype=np.int64), sum(self.wall_ns) / 1e9, self.cpu_ns / 1e9)


def clock(calls: Mapping[str, Call], plan: Plan = QUICK) -> Generator[float, None, dict[str, Timing]]:
    """Time the calls turn by turn; yields the part done (0 to 1) now and then, and returns a Timing for each."""
    laps = {name: _Laps(call) for name, call in calls.items()}
    pulse, turns, turn = Pulse(), plan.rounds * len(laps), 0
    for round_ in range(plan.rounds):
        for each in laps.values():
            for _ in range(plan.warmup if round_ == 0 else 1):
                each.call()
                if pulse.due():
                    yield turn / turns
            for _ in each.block(**_share(plan)):
                if pulse.due():
                    yield turn / turns
            turn += 1
    return {name: each.timing() for name, each in laps.items()}


def _share(plan: Plan) -> dict[str, Any]:
    return {"least": math.ceil(plan.least / plan.rounds), "seconds": plan.seconds / plan.rounds,
            "most": math.ceil(plan.most / plan.rounds)}


def measure(call: Call, plan: Plan = QUICK) -> Timing:
    """Time one call without a listener."""
    running = clock({"": call}, plan)
    while True:
        try:
            next(running)
        except StopIteration as end:
            timing: Timing = end.value[""]
            return timing
