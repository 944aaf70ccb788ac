"""The measuring half of a run: the networks timed here, then the trace in every way, each in a fresh process. No torch."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worker.context import Context
from worker.events import Event, Log, Progress
from worker.links import bodies
from worker.orders import Order
from worker.profiling.recall import Work, once
from worker.switching import telling
from worker.switching.asked import Asked, Network, Way, candidates, networks
from worker.switching.driving import Course, Driver
from worker.switching.kept import Kept
from worker.switching.policy import Again, Candidate, Chooser, Policy, Window
from worker.switching.process import Process
from worker.switching.records import Record, Row, Swap
from worker.switching.setup import Setup
from worker.switching.traces import arrivals

IMAGES = "images.safetensors"
PROFILE_S = 2.0
MB = 1e6


def measure(asked: Asked, order: Order, context: Context) -> Generator[Event, None, dict[str, Any]]:
    """Returns the run's summary."""
    of = networks(order.facts["networks"])
    profile = yield from once(context.checkpoints, "profile", _profiled(asked, of, order, context))
    found = candidates(of, profile["latency_ms"])
    yield from telling.networks(of, profile, context)
    course = _course(asked, found, context)
    yield from telling.trace(asked, course, found, context)
    records, ways = list[Record](), asked.ways(of)
    for number, way in enumerate(ways):
        there = _There(number, way, len(ways), of, course, context)
        records.append((yield from _way(there, _chooser(asked, way, found, profile, course, records))))
        yield from telling.ended(records[-1], of)
    yield from telling.files(records, context)
    return telling.summary(asked, of, profile, records, course, context.device)


def _course(asked: Asked, found: Sequence[Candidate], context: Context) -> Course:
    trace = asked.trace(found)
    return Course(trace, arrivals(trace, asked.seed), _images(context))


def _images(context: Context) -> NDArray[np.float32]:
    """Read by what frames are read by: a board has no other library for it."""
    return bodies.read(np.fromfile(context.workdir / IMAGES, np.uint8))["images"]


@dataclass(frozen=True)
class _There:
    """One way, the how many-eth of how many, and what it goes through."""

    number: int
    way: Way
    ways: int
    of: Sequence[Network]
    course: Course
    context: Context


def _profiled(asked: Asked, of: Sequence[Network], order: Order, context: Context) -> Work:
    """How long each network takes here, one after the other in one process, alone; those of dense size too, where they serve."""
    kinds = {"latency_ms": False} | ({"dense_latency_ms": True} if asked.is_dense_wanted else {})
    found: dict[str, Any] = {"samples": {}, "interval_ms": {}, "noise": {}, "threads": context.threads}
    for kind, is_dense in kinds.items():
        found[kind] = {}
        with Process(_setup(Way("profile", "disk", is_dense=is_dense), of, of[0].name, order.facts["shape"], context)) as process:
            found["runtime"] = process.begin()["runtime"]
            for number, each in enumerate(of):
                yield Progress(done=number, total=len(of), stage="timing the networks")
                timing = process.profile(each.name, shape=tuple(order.facts["shape"]), passes=asked.profiled, seconds=PROFILE_S)
                found[kind][each.name], found["samples"][each.name] = timing.p50_ms, len(timing.samples_ns)
                if not is_dense:
                    found["interval_ms"][each.name], found["noise"][each.name] = timing.interval_ms, timing.noise
    return found


def _chooser(
    asked: Asked, way: Way, found: Sequence[Candidate], profile: dict[str, Any], course: Course, before: Sequence[Record],
) -> Chooser | None:
    """The policy; nobody where one network serves for good. At dense size networks compute their zeros, so that none is faster
    and no policy would change: they repeat the changes of the first way, which is what those cost there."""
    if way.fixed:
        return None
    if not way.is_dense:
        return _policy(asked, found, course)
    changes = {swap.second: (swap.trigger, swap.to) for swap in before[0].swaps}
    return Again(before[0].rows[0].serving_s[0][0], profile["dense_latency_ms"], changes)


def _way(there: _There, chooser: Chooser | None) -> Generator[Event, None, Record]:
    """One way through the whole trace; one that was ended before is recalled."""
    way, checkpoints, name = there.way, there.context.checkpoints, f"way{there.number}"
    if (last := checkpoints.last(f"{name}-ended")) is not None:
        record = _recalled(way, last[2])
        for row in record.rows:
            yield from telling.row(way, row, there.of, there.course)
        return record
    kept = Kept(checkpoints, name)
    if kept.rows():
        yield Log(level="warning", message=f"{way.name}: the run was interrupted and goes on with second {len(kept.rows()) + 1}, "
                                           "in a new process.")
    record = yield from _served(there, chooser, kept)
    checkpoints.save(f"{name}-ended", 1, b"", {
        "rows": [row.as_facts() for row in record.rows], "swaps": [swap.as_facts() for swap in record.swaps],
        "memory": record.memory})
    return record


def _served(there: _There, chooser: Chooser | None, kept: Kept) -> Generator[Event, None, Record]:
    """In a fresh process, from the first second that is not kept on."""
    first = chooser.now if chooser else there.way.fixed
    yield Progress(done=there.number, total=there.ways, stage=f"starting: {there.way.name}")
    with Process(_setup(there.way, there.of, first, there.course.images.shape[1:], there.context)) as process:
        about = process.begin()
        driver = Driver(there.way.name, there.course, process, first, chooser)
        record = yield from _driven(there, driver.drive(kept))
        record.memory = _memory(about, process, record)
    return record


def _driven(there: _There, rows: Generator[Row, None, Record]) -> Generator[Event, None, Record]:
    seconds = len(there.course.trace)
    while True:
        try:
            row = next(rows)
        except StopIteration as end:
            record: Record = end.value
            return record
        yield from telling.row(there.way, row, there.of, there.course)
        yield Progress(done=there.number * seconds + min(row.second + 1, seconds), total=there.ways * seconds,
                       stage=there.way.name)


def _policy(asked: Asked, seen: Sequence[Candidate], course: Course) -> Policy:
    """It begins with the target of the trace's first second."""
    there = course.trace[0]
    free = None if there.free_mb is None else round(MB * there.free_mb)
    policy = Policy(seen, asked.knobs, seen[0].name)
    window = Window(0, None, there.arrivals_per_s, there.within_ms(course.images[:1].nbytes), free)
    policy.now = policy.target(window)[0].name
    return policy


def _memory(about: dict[str, Any], process: Process, record: Record) -> dict[str, int]:
    """Steady: the median over the trace's seconds, of which each was asked while requests came."""
    now = process.memory()
    seen = sorted(row.resident_bytes for row in record.rows if row.resident_bytes)
    if not now or not seen:
        return {}
    return {"empty_bytes": about["empty"]["resident_bytes"], "steady_bytes": seen[len(seen) // 2],
            "peak_bytes": max(now["peak_bytes"], about["steady"]["resident_bytes"])}


def _recalled(way: Way, facts: dict[str, Any]) -> Record:
    return Record(way.name, [Row.from_facts(each) for each in facts["rows"]], [Swap(**each) for each in facts["swaps"]],
                  facts["memory"])


def _setup(way: Way, of: Sequence[Network], first: str, shape: Sequence[int], context: Context) -> Setup:
    held = [each for each in of if not way.fixed or each.name == way.fixed]
    files = {each.name: each.dense if way.is_dense else each.packed if way.residency == "packed" else each.file for each in held}
    return Setup(way.residency, {name: str((context.workdir / file).resolve()) for name, file in files.items()}, first,
                 tuple(shape), context.threads)
