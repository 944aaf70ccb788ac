"""Loading, cold and warm, the first inference, and peak memory: each measured in processes that did nothing before."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from statistics import median
from typing import Any

from worker.events import Event, Log, Metric, Progress
from worker.profiling import fresh
from worker.profiling.journal import Facts
from worker.profiling.steps import Bench

WARM_LOADS = 3


@dataclass(frozen=True)
class Loaded:
    """What each new process told; `dropped`: the file came from the disk, as far as the system tells."""

    each: tuple[Facts, ...]

    @property
    def dropped(self) -> bool:
        return all(facts["dropped"] for facts in self.each)

    @property
    def cache(self) -> str:
        return "file cache dropped" if self.dropped else "file cache as it was"

    def median_ms(self, name: str) -> float:
        return float(median(self.all_ns(name))) / 1e6

    def all_ns(self, name: str) -> list[int]:
        found = [facts[name] for facts in self.each]
        return [ns for one in found for ns in one] if isinstance(found[0], list) else found

    @property
    def peak_bytes(self) -> int | None:
        """What the network added to the bare runtime at the most: the median of the processes."""
        found = [facts["peak_bytes"] - facts["bare_bytes"] for facts in self.each if self._knows(facts)]
        return int(median(found)) if found else None

    @property
    def bare_bytes(self) -> int | None:
        found = [facts["bare_bytes"] for facts in self.each if self._knows(facts)]
        return int(median(found)) if found else None

    @staticmethod
    def _knows(facts: Facts) -> bool:
        """A peak that the runtime's own import may have made is not the network's."""
        return bool(facts["peak_is_its_own"]) and None not in (facts["bare_bytes"], facts["peak_bytes"])


def loaded(bench: Bench) -> Generator[Event, None, Loaded | None]:
    """None where nothing was asked for, or no new process could do it."""
    name, engine = f"{bench.engine.name}/loading", bench.engine
    if not bench.options.cold or not engine.cold:
        return None
    if bench.journal.ended(name) is None:
        try:
            yield from _processes(bench, name)
        except fresh.Broke as why:
            yield Log(level="warning", message="Loading was not measured: a new process could not load the network.")
            yield Log(level="debug", message=f"The new process ended so: {why}")
        bench.journal.end(name)
    found = bench.journal.portions(name)
    if not found:
        return None
    told = Loaded(tuple(found))
    yield from _drawn(engine.name, told)
    return told


def _processes(bench: Bench, name: str) -> Generator[Event, None, None]:
    options, engine = bench.options, bench.engine
    while (count := len(bench.journal.portions(name))) < options.cold:
        yield Progress(done=count, total=options.cold, stage=f"loading in new processes, {engine.name}")
        dropped = options.drop_cache and fresh.drop_from_cache(engine.file)
        child = fresh.started([*engine.cold, str(options.batch), str(bench.context.threads), str(WARM_LOADS)],
                              bench.context.threads)
        facts = yield from _beating(child, count, options.cold, engine.name)
        bench.journal.keep(name, facts | {"dropped": dropped})
    yield Progress(done=options.cold, total=options.cold, stage=f"loading in new processes, {engine.name}")


def _beating(child: Generator[None, None, Facts], count: int, total: int, engine: str) -> Generator[Event, None, Facts]:
    while True:
        try:
            next(child)
        except StopIteration as end:
            facts: dict[str, Any] = end.value
            return facts
        yield Progress(done=count, total=total, stage=f"loading in new processes, {engine}")


def _drawn(engine: str, told: Loaded) -> Generator[Metric, None, None]:
    for stage, name in (("cold load", "load_ns"), ("first inference", "first_ns"), ("warm load", "warm_load_ns")):
        yield Metric(name="load_ms", value=told.median_ms(name), labels={"engine": engine, "stage": stage})
    for what, value in (("runtime alone", told.bare_bytes), ("network on top", told.peak_bytes)):
        if value is not None:
            yield Metric(name="memory_mb", value=value / 1e6, labels={"engine": engine, "what": what})
