"""One part of a benchmark after another: waited for, warmed up, sampled, judged; and taken up again where it was cut off."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from typing import Any

from worker.context import Context
from worker.events import Event, Log, Progress
from worker.profiling.badge import Badge, judged
from worker.profiling.cooling import cooled
from worker.profiling.engines import Engine
from worker.profiling.instruments import Instruments, threads_alive
from worker.profiling.journal import Facts, Journal
from worker.profiling.sampling import MOST_SAMPLES, Goal, Sampled, gathered, sampled
from worker.profiling.sensors import Reading
from worker.profiling.stopwatch import Call
from worker.profiling.warming import Warm, warmed

WARM_LIMIT_S = 5.0
# What a part says of each portion in turn, given what began it.
Speak = Callable[[Facts, Facts], Iterable[Event]]


@dataclass(frozen=True)
class Options:
    """What a person asked for. `cold`: how many new processes load the network; `tries`: how often at most a disturbed steady
    state is timed."""

    goal: Goal
    batch: int = 1
    batches: tuple[int, ...] = ()
    warmup: int = 10
    cold: int = 0
    drop_cache: bool = False
    sustained_s: float = 0.0
    cooldown_s: float = 0.0
    tries: int = 1


@dataclass(frozen=True, eq=False)
class Part:
    """What came of one part: its samples, what began it, its badge."""

    batch: int
    found: Sampled
    begun: Facts
    badge: Badge


@dataclass
class Bench:
    """One engine with one network on the bench, and all that its parts need."""

    engine: Engine
    options: Options
    context: Context
    journal: Journal
    instruments: Instruments = field(default_factory=Instruments)
    _calls: dict[int, Call] = field(default_factory=dict)

    def call(self, batch: int) -> Generator[Event, None, Call]:
        """The engine opened for that batch; what it compiled took so long, as a fact of its own."""
        if batch not in self._calls:
            if self.engine.compiles:
                yield Progress(done=0, total=1, stage=f"compiling for batches of {batch}")
            alive, begun = threads_alive(), time.monotonic()
            self._calls[batch] = call = self.engine.open(batch)
            if self.engine.compiles:
                self._compiled(batch, time.monotonic() - begun)
            call()
            yield from self._threads(alive)
        return self._calls[batch]

    def _compiled(self, batch: int, seconds: float) -> None:
        name = f"{self.engine.name}/compiled-{batch}"
        if self.journal.ended(name) is None:
            self.journal.end(name, {"seconds": seconds})

    def _threads(self, before: int | None) -> Generator[Log, None, None]:
        """The engine may start as many threads as were asked for, one of which is there already."""
        after = threads_alive()
        more = after - before if before is not None and after is not None else 0
        if more > self.context.threads - 1 and not self.engine.compiles and not self.engine.on_gpu:
            yield Log(level="warning", message=f"{self.engine.name} started {more} threads where {self.context.threads} in all "
                                               "were asked for.")

    def rest(self) -> Reading:
        """The machine before this run did anything: what the cool-down gate waits for."""
        known = self.journal.ended("rest")
        if known is None:
            now = self.instruments.read()
            known = {"temperature_c": now.temperature_c, "clock_cap_mhz": now.clock_cap_mhz}
            self.journal.end("rest", known)
        return Reading(**known)


def part(bench: Bench, name: str, batch: int, goal: Goal, speak: Speak, stage: str) -> Generator[Event, None, Part]:
    """Measure the part, or what is left of it, and say it; a part that is done is said again, not measured again."""
    name = f"{bench.engine.name}/{name}"
    if bench.journal.ended(name) is None:
        yield from _measured(bench, name, batch, goal, speak, stage)
        bench.journal.end(name)
    else:
        yield from _again(bench, name, speak)
    return kept(bench, name, batch)


def is_broken(bench: Bench, name: str) -> bool:
    """Whether it was begun before this process and cut off."""
    name = f"{bench.engine.name}/{name}"
    return bench.journal.ended(name) is None and bool(bench.journal.portions(name))


def broken(bench: Bench, name: str, batch: int, speak: Speak) -> Generator[Event, None, Part]:
    """Say again what is kept of a part that was cut off and does not go on."""
    yield from _again(bench, f"{bench.engine.name}/{name}", speak)
    return kept(bench, f"{bench.engine.name}/{name}", batch)


def kept(bench: Bench, name: str, batch: int) -> Part:
    """All that the journal has of it."""
    begun = bench.journal.ended(f"{name}/begin") or {}
    found = gathered(bench.journal.portions(name), begun["each"], on_gpu=bench.engine.on_gpu)
    steady = Warm(**begun["warm"]).steady
    badge = judged(found, threads=bench.context.threads, processors=begun["processors"], steady=steady)
    return Part(batch, found, begun, badge)


def _again(bench: Bench, name: str, speak: Speak) -> Generator[Event, None, tuple[int, int]]:
    """Say what is kept; returns how many samples that were, and their nanoseconds."""
    begun, count, spent = bench.journal.ended(f"{name}/begin") or {}, 0, 0
    for portion in bench.journal.portions(name):
        yield from speak(begun, portion)
        count, spent = count + len(portion["samples_ns"]), spent + sum(portion["samples_ns"])
    return count, spent


def _measured(bench: Bench, name: str, batch: int, goal: Goal, speak: Speak, stage: str) -> Generator[Event, None, None]:
    call = yield from bench.call(batch)
    begun = yield from _begun(bench, name, call, goal, stage)
    # What an attempt before this one kept; it is said again, for nobody knows whether it was heard.
    count, spent = yield from _again(bench, name, speak)
    wanted = Goal(goal.least, goal.seconds, goal.most, begun["each"])
    for portion in sampled(call, wanted, bench.journal, name, bench.instruments):
        yield from speak(begun, portion)
        count, spent = count + len(portion["samples_ns"]), spent + sum(portion["samples_ns"])
        yield Progress(done=count, total=max(count, begun["expected"]), part=wanted.share(count, spent), stage=stage)


def _begun(bench: Bench, name: str, call: Call, goal: Goal, stage: str) -> Generator[Event, None, Facts]:
    """Wait and warm up; what was found the first time stays, so that a resumed part goes on as it began."""
    waiting = cooled(bench.rest(), limit_s=bench.options.cooldown_s, instruments=bench.instruments)
    waited = yield from _beating(waiting, stage)
    warming = warmed(call, least=bench.options.warmup, limit_s=min(WARM_LIMIT_S, max(goal.seconds, 0.1)),
                     instruments=bench.instruments)
    warm = yield from _beating(warming, stage)
    known = bench.journal.ended(f"{name}/begin")
    if known is not None:
        return known
    if waited.told:
        yield Log(level="warning" if waited.left else "info", message=waited.told)
    each = max(1, -(-goal.expected(warm.lap_ns) // MOST_SAMPLES))
    begun = {"waited": waited.as_facts(), "warm": warm.as_facts(), "each": each, "processors": bench.instruments.processors(),
             "expected": Goal(goal.least, goal.seconds, goal.most, each).expected(warm.lap_ns)}
    bench.journal.end(f"{name}/begin", begun)
    return begun


def _beating(work: Generator[None, None, Any], stage: str) -> Generator[Event, None, Any]:
    """Signs of life while something goes on that says nothing itself."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value
        yield Progress(done=0, total=1, stage=stage)
