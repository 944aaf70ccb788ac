"""The measuring half of a run: the networks timed here, then the trace in every way, each in a fresh process. No torch."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import ExitStack
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
from worker.switching.driving import Course, Driver, Kept
from worker.switching.policy import Candidate, Policy, Window
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
        records.append((yield from _way(number, way, len(ways), asked, of, profile, course, context)))
        yield from telling.ended(records[-1], of)
    yield from telling.files(records, context)
    return telling.summary(asked, of, profile, records, course)


def _course(asked: Asked, found: Sequence[Candidate], context: Context) -> Course:
    trace = asked.trace(found)
    return Course(trace, arrivals(trace, asked.seed), _images(context))


def _images(context: Context) -> NDArray[np.float32]:
    """Read by what frames are read by: a board has no other library for it."""
    return bodies.read(np.fromfile(context.workdir / IMAGES, np.uint8))["images"]


def _profiled(asked: Asked, of: Sequence[Network], order: Order, context: Context) -> Work:
    """How long each network takes here, one after the other in one process, alone."""
    setup = _setup(Way("profile", "disk"), of, of[0].name, order.facts["shape"], context)
    latency, samples = dict[str, float](), dict[str, int]()
    yield Progress(done=0, total=len(of), stage="timing the networks")
    with Process(setup) as process:
        about = process.begin()
        for number, each in enumerate(of, 1):
            times = process.profile(each.name, shape=tuple(order.facts["shape"]), passes=asked.profiled, seconds=PROFILE_S)
            latency[each.name], samples[each.name] = float(np.median(times)), len(times)
            yield Progress(done=number, total=len(of), stage="timing the networks")
    return {"latency_ms": latency, "samples": samples, "runtime": about["runtime"], "threads": context.threads}


def _way(
    number: int, way: Way, ways: int, asked: Asked, of: Sequence[Network], profile: dict[str, Any], course: Course,
    context: Context,
) -> Generator[Event, None, Record]:
    """One way through the whole trace; one that was ended before is recalled."""
    checkpoints, name = context.checkpoints, f"way{number}"
    if (last := checkpoints.last(f"{name}-ended")) is not None:
        record = _recalled(way, last[2])
        for row in record.rows:
            yield from telling.row(way, row, of, course)
        return record
    kept = Kept(checkpoints, name)
    if kept.rows():
        yield Log(level="warning", message=f"{way.name}: the run was interrupted and goes on with second {len(kept.rows())}, in "
                                           "a new process.")
    seen = candidates(of, profile["latency_ms"], is_dense=way.is_dense)
    policy = None if way.fixed else _policy(asked, seen, course)
    first = way.fixed or (policy.now if policy else "")
    with ExitStack() as stack:
        process = stack.enter_context(Process(_setup(way, of, first, course.images.shape[1:], context)))
        yield Progress(done=0, total=1, stage=f"starting: {way.name}")
        about = process.begin()
        driver = Driver(way.name, course, process, first, policy)
        record = yield from _driven(way, driver, kept, of, course, number, ways)
        record.memory = _memory(about, process, record)
    checkpoints.save(f"{name}-ended", 1, b"", {
        "rows": [row.as_facts() for row in record.rows], "swaps": [swap.as_facts() for swap in record.swaps],
        "memory": record.memory})
    return record


def _driven(
    way: Way, driver: Driver, kept: Kept, of: Sequence[Network], course: Course, number: int, ways: int,
) -> Generator[Event, None, Record]:
    seconds, rows = len(course.trace), driver.drive(kept)
    while True:
        try:
            row = next(rows)
        except StopIteration as end:
            record: Record = end.value
            return record
        yield from telling.row(way, row, of, course)
        yield Progress(done=number * seconds + min(row.second + 1, seconds), total=ways * seconds, stage=way.name)


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
