"""Sustained load: minutes of inferences without a pause, told window by window, so that a machine that gets slow is seen to."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from worker.events import Event, Labels, Log, Metric
from worker.profiling.journal import Facts
from worker.profiling.sampling import Goal
from worker.profiling.steps import Bench, Part, Speak, broken, is_broken, part
from worker.wording import figures

WINDOWS = 120
FELL = 0.05
NO_END = 10**9


@dataclass(frozen=True)
class Window:
    """`at_s`: the inference seconds that had passed at its beginning."""

    at_s: int
    samples_ns: tuple[int, ...]
    batch: int

    @property
    def throughput_per_s(self) -> float:
        return 1e9 * self.batch * len(self.samples_ns) / sum(self.samples_ns)

    def quantile_ms(self, q: float) -> float:
        return float(np.quantile(self.samples_ns, q)) / 1e6


@dataclass(frozen=True)
class Sustained:
    """The whole part, and its windows. `broken`: the ones before it that were cut off, and of which it takes nothing."""

    part: Part
    windows: tuple[Window, ...]
    broken: tuple[Part, ...] = ()

    @property
    def change(self) -> float:
        """How much the throughput of the last third differs from that of the first; -0.12 is 12 % less."""
        third = max(1, len(self.windows) // 3)
        first, last = (median(each.throughput_per_s for each in some) for some in (self.windows[:third], self.windows[-third:]))
        return last / first - 1

    @property
    def throughput_per_s(self) -> float:
        return self.part.found.throughput_per_s * self.part.batch

    @property
    def told(self) -> str:
        """`held 120 s at 812 images/s`, or how much it fell."""
        seconds = self.part.found.timing.samples_ns.sum() * self.part.found.each / 1e9
        much = f"{abs(100 * self.change):.0f} % {'less' if self.change < 0 else 'more'} at the end"
        return f"{figures(seconds)} s without a pause: {figures(self.throughput_per_s)} images/s, " + (
            much if abs(self.change) >= FELL else "the same at the end") + f", {self.part.badge.word}"


def sustained(bench: Bench) -> Generator[Event, None, Sustained | None]:
    """None where it was not asked for. What was cut off begins again from its start: a machine that stood still has cooled."""
    options, lost = bench.options, list[Part]()
    if options.sustained_s <= 0:
        return None
    while is_broken(bench, name := _name(len(lost) + 1)):
        lost.append((yield from broken(bench, name, options.batch, _speak(_cut(bench), _labels(bench, len(lost) + 1)))))
    number, stage, cut = len(lost) + 1, f"sustained load in {bench.engine.name}", _cut(bench)
    if lost:
        yield Log(level="warning", message=f"The {stage} was cut off, so it is measured from its start: try {number}. The file "
                                           "keeps what was broken off.")
    labels, goal = _labels(bench, number), Goal(1, options.sustained_s, NO_END)
    whole = yield from part(bench, name, options.batch, goal, _speak(cut, labels), stage)
    yield from _drawn(cut.last(), labels)
    return Sustained(whole, tuple(cut.done), tuple(lost))


def _name(number: int) -> str:
    return f"sustained-{number}" if number > 1 else "sustained"


def _labels(bench: Bench, number: int) -> Labels:
    """A number that was said stays said: those of another try have a label of their own."""
    labels: Labels = {"engine": bench.engine.name}
    return labels | ({"try": f"try {number}"} if number > 1 else {})


def _cut(bench: Bench) -> Cut:
    return Cut(max(1, math.ceil(bench.options.sustained_s / WINDOWS)), bench.options.batch)


def _speak(cut: Cut, labels: Labels) -> Speak:
    def speak(begun: Facts, portion: Facts) -> Iterator[Event]:
        """The windows that are over; the last one is told at the end."""
        for window in cut.add(portion["samples_ns"], begun["each"]):
            yield from _drawn(window, labels)

    return speak


@dataclass
class Cut:
    """Cuts samples, as they come, at every `width_s` seconds of inference."""

    width_s: int
    batch: int
    done: list[Window] = field(default_factory=list)
    _open: list[int] = field(default_factory=list)
    _at: int = 0
    _spent_ns: int = 0

    def add(self, samples_ns: Iterable[int], each: int) -> list[Window]:
        """The windows that these samples end."""
        before = len(self.done)
        for sample_ns in samples_ns:
            at = self._spent_ns // 10**9 // self.width_s * self.width_s
            if at != self._at:
                self._close(at)
            self._open.append(sample_ns)
            self._spent_ns += sample_ns * each
        return self.done[before:]

    def last(self) -> Window:
        """The one that was still open."""
        self._close(self._at)
        return self.done[-1]

    def _close(self, next_at: int) -> None:
        self.done.append(Window(self._at, tuple(self._open), self.batch))
        self._open, self._at = [], next_at


def _drawn(window: Window, labels: Labels) -> Generator[Metric, None, None]:
    yield Metric(name="sustained_throughput_per_s", value=window.throughput_per_s, step=window.at_s, labels=labels)
    for word, q in (("p50", 0.5), ("p99", 0.99)):
        yield Metric(name="sustained_latency_ms", value=window.quantile_ms(q), step=window.at_s,
                     labels={**labels, "percentile": word})
