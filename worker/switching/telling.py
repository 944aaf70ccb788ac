"""A run as it is said: the networks, the trace, each second of each way, what each way came to, the files."""

from __future__ import annotations

import csv
import io
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from worker.context import Context, write_durably
from worker.events import Event, FileMade, Log, Measured, Metric
from worker.switching import verdict
from worker.switching.asked import AT_DENSE_SIZE, RELOADED, SWITCHING, Asked, Network, Way, candidates
from worker.switching.bands import Band, over_deadlines, over_loads
from worker.switching.driving import Course
from worker.switching.policy import Candidate
from worker.switching.records import Record, Row, median
from worker.switching.traces import Second, written
from worker.wording import byte_size, counted, figures

ENGINE = "onnxruntime"
MB = 1e6
# Of a second more stretches than this are not drawn apart.
MOST_STRETCHES = 10
LEFT = "left by others (emulated)"
# The places of what has no network's colour, those of memory that is left too.
SWITCHED, LEFT_PLACE = (SWITCHING, RELOADED, AT_DENSE_SIZE), -4
EMULATED = "Emulated by the trace: {what}. Requests, computations, queues, swaps and the process's memory are real."
TRACE, SECONDS, SWAPS = "trace.csv", "seconds.csv", "swaps.csv"
WHAT = {"free_mb": "how much memory others leave", "network_mbps": "the network that a request's image comes over",
        "slower": "a device that becomes slower"}


HELD = {"empty_bytes": "the runtime alone", "steady_bytes": "steady", "peak_bytes": "peak"}


def networks(of: Sequence[Network], profile: dict[str, Any], context: Context) -> Iterator[Event]:
    for each in of:
        low, high = profile["interval_ms"][each.name] or (None, None)
        noise = profile["noise"][each.name]
        yield Measured(variant=each.name, metric="latency_ms_p50", value=profile["latency_ms"][each.name], unit="ms", low=low,
                       high=high, device=context.device, engine=ENGINE, threads=profile["threads"], batch=1,
                       n=profile["samples"][each.name], noisy=bool(noise))
        if noise:
            yield Log(level="warning", message=f"{each.name} in {ENGINE}: noisy latency; {'; '.join(noise)}.")
        yield Log(message=f"{each.name}: {figures(profile['latency_ms'][each.name])} ms a request, {100 * each.accuracy:.1f} % "
                          f"accurate (test, n = {each.n}), {byte_size(each.size_bytes)}, packed {byte_size(each.packed_bytes)}, "
                          f"at dense size {byte_size(each.dense_bytes)}{_dense(each, profile)}.")


def _dense(each: Network, profile: dict[str, Any]) -> str:
    """What it takes at that size, where that is of interest."""
    times = profile.get("dense_latency_ms")
    return f" and {figures(times[each.name])} ms" if times else ""


def trace(asked: Asked, course: Course, found: Sequence[Candidate], context: Context) -> Iterator[Event]:
    """`found`: in the order of the networks, whose places in it are their colours."""
    rows = course.trace
    least, most = (figures(end(row.deadline_ms for row in rows)) for end in (min, max))
    deadlines = f"a deadline of {least} ms" if least == most else f"deadlines of {least} to {most} ms"
    yield Log(message=f"The trace: {counted(len(rows), 'second')}, {counted(len(course.moments), 'request')}, {deadlines}.")
    changed = [words for name, words in WHAT.items() if any(getattr(row, name) not in (None, 1.0) for row in rows)]
    if changed:
        yield Log(message=EMULATED.format(what=", ".join(changed)))
    yield from _seconds(rows)
    places = {each.name: place for place, each in enumerate(found)}
    for over, bands in _bands(asked, course, found).items():
        for band in bands:
            yield Metric(name=f"band_by_{over}_latency_ms", value=band.latency_ms, labels=band.labels(places[band.name]))
    write_durably(context.workdir / TRACE, written(rows).encode() + b"\n")
    yield FileMade(path=TRACE, name=TRACE, media_type="text/csv")


def _seconds(rows: Sequence[Second]) -> Iterator[Event]:
    """What the trace says; of heat nothing where none is said at all."""
    is_hot = any(row.slower != 1.0 for row in rows)
    for second, row in enumerate(rows):
        said = {"arrivals_per_s": row.arrivals_per_s, "deadline_ms": row.deadline_ms, "network_mbps": row.network_mbps,
                "slower": row.slower if is_hot else None}
        yield from (Metric(name=f"trace_{name}", value=value, step=second) for name, value in said.items() if value is not None)
        if row.free_mb is not None:
            yield Metric(name="drive_resident_mb", value=row.free_mb, step=second, labels={"way": LEFT, "place": LEFT_PLACE})


def _bands(asked: Asked, course: Course, found: Sequence[Candidate]) -> dict[str, list[Band]]:
    """Over the load and over the deadline."""
    there, image_bytes = _typical(course.trace), course.images[:1].nbytes
    return {"load": over_loads(found, asked.knobs, there, image_bytes),
            "deadline": over_deadlines(found, asked.knobs, there, image_bytes)}


def _typical(rows: Sequence[Second]) -> Second:
    """Of the trace, its mean load and its median deadline; memory and the network as they are at their best."""
    deadlines = sorted(row.deadline_ms for row in rows)
    mean = sum(row.arrivals_per_s for row in rows) / len(rows)
    free, mbps = ([getattr(row, name) for row in rows] for name in ("free_mb", "network_mbps"))
    return Second(mean, deadlines[len(deadlines) // 2], None if None in free else max(free), None if None in mbps else max(mbps))


def row(way: Way, row: Row, of: Sequence[Network], course: Course) -> Iterator[Event]:
    places = {each.name: place for place, each in enumerate(of)}
    for place, (name, length_s) in enumerate(row.serving_s[:MOST_STRETCHES]):
        yield Metric(name="drive_serving_s", value=round(length_s, 4), step=MOST_STRETCHES * row.second + place,
                     labels={"way": way.name, "network": name, "place": places[name]})
    if row.second >= len(course.trace):
        return
    labels: dict[str, str | int | float] = {"way": way.name, "place": _place(way.name, of)}
    said = {"drive_waiting": row.waiting, "drive_late": row.late, "drive_p95_ms": row.p95_ms,
            "drive_resident_mb": row.resident_bytes / MB or None}
    yield from (Metric(name=name, value=value, step=row.second, labels=labels) for name, value in said.items()
                if value is not None)
    if row.trigger:
        yield Log(message=f"{way.name}, second {row.second + 1}: {verdict.WHY[row.trigger]}; {row.changed_to} is to serve.")


def _place(way: str, of: Sequence[Network]) -> int:
    """Of a network that serves alone its own; of the others below 0."""
    fixed = [f"{verdict.FIXED}{each.name}" for each in of]
    return fixed.index(way) if way in fixed else -1 - SWITCHED.index(way) if way in SWITCHED else -1


def ended(record: Record, of: Sequence[Network]) -> Iterator[Event]:
    """What one way came to."""
    accuracies = {each.name: each.accuracy for each in of}
    labels: dict[str, str | int | float] = {"way": record.way, "place": _place(record.way, of)}
    share = record.late / record.arrived if record.arrived else 0.0
    yield Metric(name="drive_effective_accuracy", value=record.effective(accuracies), labels=labels)
    yield Metric(name="drive_late_share", value=share, labels=labels)
    yield Metric(name="drive_longest_ms", value=record.longest_ms, labels=labels)
    if record.overheads_ms:
        for what, value in (("median", median(record.overheads_ms)), ("largest", max(record.overheads_ms))):
            yield Metric(name="drive_overhead_ms", value=value, labels=labels | {"what": what})
    for word, what in HELD.items() if record.memory else ():
        yield Metric(name="drive_memory_mb", value=record.memory[word] / MB, labels=labels | {"what": what})
    yield Log(message=verdict.of_way(record, accuracies))


def files(records: Sequence[Record], context: Context) -> Iterator[Event]:
    seconds, swaps = io.StringIO(), io.StringIO()
    rows, changes = csv.writer(seconds, lineterminator="\n"), csv.writer(swaps, lineterminator="\n")
    rows.writerow(["way", "second", "arrived", "answered", "in_time", "waiting", "p95_ms", "serving", "target", "trigger",
                   "resident_bytes"])
    changes.writerow(["way", "second", "trigger", "from", "to", "prepared_ms", "overhead_ms", "peak_bytes"])
    for record in records:
        rows.writerows([record.way, each.second, each.arrived, each.answered.total(), each.in_time.total(), each.waiting,
                        _cell(each.p95_ms), each.serving, each.target, each.trigger, each.resident_bytes]
                       for each in record.rows)
        changes.writerows([record.way, each.second, each.trigger, each.before, each.to, _cell(each.prepared_ms),
                           _cell(each.overhead_ms), each.peak_bytes] for each in record.swaps)
    for name, text in ((SECONDS, seconds), (SWAPS, swaps)):
        write_durably(context.workdir / name, text.getvalue().encode())
        yield FileMade(path=name, name=name, media_type="text/csv")


def _cell(ms: float | None) -> str:
    return "" if ms is None else f"{ms:.3f}"


def summary(
    asked: Asked, of: Sequence[Network], profile: dict[str, Any], records: Sequence[Record], course: Course, device: str,
) -> dict[str, Any]:
    accuracies = {each.name: each.accuracy for each in of}
    sense, there = felt(asked, of, profile, records[0], course), _typical(course.trace)
    bands = _bands(asked, course, candidates(of, profile["latency_ms"]))
    return {
        "device": device, "drive_noisy": sense.is_noisy or any(profile["noise"].values()),
        "requests": len(course.moments), "trace_s": len(course.trace), "residency": asked.residency,
        "arrivals_per_s": there.arrivals_per_s, "deadline_ms": there.deadline_ms,
        "drive_bands": {over: [asdict(each) for each in found] for over, found in bands.items()},
        "networks": [{"name": each.name, "accuracy": each.accuracy, "size_bytes": each.size_bytes,
                      "packed_bytes": each.packed_bytes, "dense_bytes": each.dense_bytes,
                      "latency_ms": profile["latency_ms"][each.name]} for each in of],
        "drive_ways": [_way(record, accuracies) for record in records],
        "verdict": verdict.verdict(records, of, sense),
    }


def felt(asked: Asked, of: Sequence[Network], profile: dict[str, Any], first: Record, course: Course) -> verdict.Felt:
    """Room as the policy judges it; times of seconds in which somebody computed, the trace's own heat taken off."""
    knobs, cramped = asked.knobs, Counter[str]()
    for there in course.trace:
        left = [] if there.free_mb is None else [MB * there.free_mb - knobs.memory_floor_bytes]
        room = min([*left, *([knobs.memory_budget_bytes] if knobs.memory_budget_bytes else [])], default=math.inf)
        cramped.update(each.name for each in of if each.size_bytes > room)
    times = [verdict.slowed(row.pass_ms / max(1.0, there.slower), profile["latency_ms"][row.passed_by])
             for row, there in zip(first.rows, course.trace, strict=False) if row.pass_ms and row.passed_by]
    return verdict.Felt(dict(cramped), len(course.trace), median(times))


def _way(record: Record, accuracies: dict[str, float]) -> dict[str, Any]:
    return {
        "way": record.way, "arrived": record.arrived, "answered": record.answered, "late": record.late,
        "swaps": len(record.swaps), "effective_accuracy": record.effective(accuracies), "latency_ms_p95": record.p95_ms,
        "overhead_ms": record.overheads_ms, "longest_ms": record.longest_ms, "answered_by": dict(record.by_network),
        **record.memory}
