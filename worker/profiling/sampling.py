"""Timed inferences in small portions, each kept before the next begins; between two portions the sensors are read."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

import numpy as np

from worker.profiling.instruments import Instruments, others
from worker.profiling.journal import Facts, Journal
from worker.profiling.stopwatch import Call, Timing

PORTION_NS = 400_000_000
# An inference shorter than this runs once untimed after every pause, in which caches and clocks may have gone to sleep.
SHORT_NS = 50_000_000
MOST_SAMPLES = 200_000


@dataclass(frozen=True)
class Goal:
    """At least `least` samples and `seconds` of them, never more than `most`; a sample is the mean of `each` inferences."""

    least: int
    seconds: float
    most: int
    each: int = 1

    def expected(self, lap_ns: float) -> int:
        """How many samples it will be about, when one inference takes so long."""
        wanted = max(self.least, math.ceil(self.seconds * 1e9 / max(lap_ns * self.each, 1.0)))
        return min(self.most, wanted)

    def share(self, count: int, spent_ns: int) -> float:
        """How much of it so many samples are."""
        shares = [count / self.least if self.least else 1.0, spent_ns * self.each / 1e9 / self.seconds if self.seconds else 1.0]
        return min(1.0, max(min(shares), count / self.most))


@dataclass(frozen=True)
class Sampled:
    """All samples of one part, and what the machine told after each of its portions."""

    timing: Timing
    portions: tuple[Facts, ...]
    each: int = 1

    @property
    def readings(self) -> list[Facts]:
        return [portion["after"] for portion in self.portions]

    @property
    def energy_j(self) -> float | None:
        """Of all inferences together; None where any portion is without."""
        found = [portion["energy_j"] for portion in self.portions]
        return sum(found) if found and None not in found else None

    @property
    def inferences(self) -> int:
        return len(self.timing.samples_ns) * self.each

    @property
    def throughput_per_s(self) -> float:
        """Inferences a second while inferences ran."""
        spent = float(self.timing.samples_ns.sum()) * self.each
        return 1e9 * self.inferences / spent if spent else 0.0


def gathered(portions: list[Facts], each: int = 1, *, on_gpu: bool = False) -> Sampled:
    """While a GPU works, the processor's own time says nothing: it is taken to be the wall's."""
    samples = np.asarray([ns for portion in portions for ns in portion["samples_ns"]], dtype=np.int64)
    wall, cpu = (sum(portion[name] for portion in portions) / 1e9 for name in ("wall_ns", "cpu_ns"))
    return Sampled(Timing(samples, wall, wall if on_gpu else cpu), tuple(portions), each)


def sampled(call: Call, goal: Goal, journal: Journal, part: str, instruments: Instruments) -> Generator[Facts, None, None]:
    """Time until the goal is reached, counting what the journal has of the part already; yields each new portion once kept."""
    samples = [ns for portion in journal.portions(part) for ns in portion["samples_ns"]]
    count, spent, last = len(samples), sum(samples) * goal.each, min(samples[-1:], default=0)
    while count < goal.most and (count < goal.least or spent < goal.seconds * 1e9):
        if last < SHORT_NS:
            call()
        portion = _portion(call, goal, count, spent, instruments)
        journal.keep(part, portion)
        samples = portion["samples_ns"]
        count, spent, last = count + len(samples), spent + sum(samples) * goal.each, samples[-1]
        yield portion


def _portion(call: Call, goal: Goal, count: int, spent: int, instruments: Instruments) -> Facts:
    before, samples, clock = instruments.read(), list[int](), instruments.wall_ns
    cpu, begun = instruments.cpu_ns(), clock()
    end = begun
    while end - begun < PORTION_NS and count + len(samples) < goal.most:
        start = clock()
        for _ in range(goal.each):
            call()
        end = clock()
        samples.append((end - start) // goal.each)
        spent += end - start
        if count + len(samples) >= goal.least and spent >= goal.seconds * 1e9:
            break
    wall, cpu = end - begun, instruments.cpu_ns() - cpu
    after = instruments.read()
    return {"samples_ns": samples, "wall_ns": wall, "cpu_ns": cpu, "after": after.as_facts(), "before": before.as_facts(),
            "others": others(before.ticks, after.ticks, cpu / 1e9, wall / 1e9),
            "energy_j": _energy(before.energy_uj, after.energy_uj, after.power_w, wall / 1e9)}


def _energy(before: int | None, after: int | None, watts: float | None, wall_s: float) -> float | None:
    """Joules of a portion, counted, else from the power that was drawn at its end; None where a counter began anew."""
    if before is not None and after is not None:
        return (after - before) / 1e6 if after >= before else None
    return watts * wall_s if watts is not None else None


def as_kept(found: Sampled) -> dict[str, Any]:
    """For the file of raw samples."""
    return {"unit": "ns", "inferences_per_sample": found.each, **found.timing.as_facts(),
            "readings": found.readings, "others": [portion["others"] for portion in found.portions]}
