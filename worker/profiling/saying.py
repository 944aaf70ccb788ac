"""What a benchmark says when an engine is done: numbers with all they depend on, a file of raw samples, a verdict in words."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from worker.context import Context, write_durably
from worker.events import Event, FileMade, Log, Measured, Metric
from worker.likeness import PROTOCOL
from worker.profiling import onnx
from worker.profiling.intervals import interval_ns
from worker.profiling.sampling import Sampled, as_kept
from worker.profiling.steps import Part
from worker.profiling.written import Written
from worker.wording import figures

if TYPE_CHECKING:
    from worker.profiling.protocol import Found

PERCENTILES = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
Limits = tuple[float | None, float | None]


def said(network: Written, found: Found, context: Context) -> Generator[Event, None, None]:
    """Everything about one engine."""
    file = _kept(network, found, context)
    yield FileMade(path=file, name=f"latency samples, {found.engine.name}.json", media_type="application/json")
    about = {"variant": network.name, "device": context.device, "engine": found.engine.name, "threads": context.threads,
             "samples": file}
    yield from _loading(found, about)
    for each in found.batches:
        yield Measured(metric="throughput_per_s", value=each.found.throughput_per_s * each.batch, unit="images/s",
                       batch=each.batch, n=len(each.found.timing.samples_ns), noisy=each.badge.word != "stable", **about)
    yield from _lasting(found, about)
    yield from _latencies(found.kept, about)
    if found.kept.badge.reasons:
        yield Log(level="warning", message=f"{network.name} in {found.engine.name}: {found.kept.badge.word} latency; "
                                           f"{'; '.join(found.kept.badge.reasons)}.")


def of_batch(engine: str, each: Part) -> Generator[Metric, None, None]:
    """A point of the charts over the size of the batch."""
    yield Metric(name="throughput_per_s", value=each.found.throughput_per_s * each.batch, step=each.batch,
                 labels={"engine": engine})
    yield Metric(name="batch_latency_ms", value=each.found.timing.p50_ms, step=each.batch, labels={"engine": engine})


def _latencies(kept: Part, about: dict[str, Any]) -> Generator[Measured, None, None]:
    """The median last: what is said last is what a reader without engines sees."""
    timing, each = kept.found.timing, {"batch": kept.batch, "n": len(kept.found.timing.samples_ns)}
    noisy = kept.badge.word != "stable"
    energy = kept.found.energy_j
    if energy is not None:
        yield Measured(metric="energy_mj", value=1e3 * energy / kept.found.inferences, unit="mJ", noisy=noisy, **about, **each)
    for word, q in sorted(PERCENTILES, key=lambda one: one[1] == 0.5):
        low, high = limits_ms(kept.found, q)
        yield Measured(metric=f"latency_ms_{word}", value=timing.quantile_ms(q), unit="ms", low=low, high=high, noisy=noisy,
                       **about, **each)


def limits_ms(found: Sampled, q: float) -> Limits:
    """The 95 % interval of a percentile; none where the samples are too few for one."""
    known = interval_ns(np.sort(found.timing.samples_ns), q)
    return (known[0] / 1e6, known[1] / 1e6) if known else (None, None)


def _loading(found: Found, about: dict[str, Any]) -> Generator[Measured, None, None]:
    batch = found.kept.batch
    if found.compile_s is not None:
        yield Measured(metric="compile_seconds", value=found.compile_s, unit="s", batch=batch, n=1, **about)
    if found.loaded is None:
        return
    told = found.loaded
    for metric, name in (("runtime_import_ms", "import_ns"), ("cold_load_ms", "load_ns"), ("first_inference_ms", "first_ns"),
                         ("warm_load_ms", "warm_load_ns")):
        samples = told.all_ns(name)
        known = interval_ns(np.sort(np.asarray(samples, dtype=np.int64)), 0.5)
        low, high = (known[0] / 1e6, known[1] / 1e6) if known else (None, None)
        yield Measured(metric=metric, value=told.median_ms(name), unit="ms", batch=batch, n=len(samples), low=low, high=high,
                       **about)
    if told.peak_bytes is not None:
        yield Measured(metric="peak_memory_bytes", value=told.peak_bytes, unit="bytes", batch=batch, n=len(told.each), **about)


def _lasting(found: Found, about: dict[str, Any]) -> Generator[Measured, None, None]:
    if found.sustained is None:
        return
    part, noisy = found.sustained.part, found.sustained.part.badge.word != "stable"
    each = {"batch": part.batch, "n": len(part.found.timing.samples_ns), "noisy": noisy}
    low, high = limits_ms(part.found, 0.99)
    yield Measured(metric="sustained_throughput_per_s", value=found.sustained.throughput_per_s, unit="images/s", **about, **each)
    yield Measured(metric="sustained_latency_ms_p99", value=part.found.timing.quantile_ms(0.99), unit="ms", low=low, high=high,
                   **about, **each)


def _kept(network: Written, found: Found, context: Context) -> str:
    """Every raw sample of every part and every try, with the conditions that a reader must know."""
    file = f"latency-{found.engine.name}.json"
    parts = {f"steady state, try {number}": each for number, each in enumerate(found.tries, start=1)}
    parts |= {f"batch {each.batch}": each for each in found.batches if each is not found.kept}
    lost = found.sustained.broken if found.sustained else ()
    parts |= {f"sustained, try {number}, broken off": each for number, each in enumerate(lost, start=1)}
    parts |= {"sustained": found.sustained.part} if found.sustained else {}
    body = {
        "protocol": PROTOCOL, "network": network.name, "sha256": network.sha256, "precision": network.precision,
        "engine": found.engine.name, "runtime": found.engine.runtime, "device": context.device, "threads": context.threads,
        "kept": f"steady state, try {found.tries.index(found.kept) + 1}", "compile_s": found.compile_s,
        "loading": list(found.loaded.each) if found.loaded else [],
        "parts": {name: {"batch": each.batch, "badge": each.badge.word, "reasons": list(each.badge.reasons),
                         "begun": each.begun, **as_kept(each.found)} for name, each in parts.items()},
    }
    write_durably(context.workdir / file, json.dumps(body).encode())
    return file


def summary(network: Written, found: Sequence[Found]) -> dict[str, Any]:
    shown = max(found, key=lambda each: each.engine.name.startswith(onnx.ENGINE))
    p50, facts = shown.kept.found.timing.p50_ms, network.facts
    ordered = sorted(found, key=lambda each: each is not shown)
    return {
        "params_after": facts.params, "macs_after": facts.macs, "size_bytes_after": facts.size_bytes,
        "latency_ms_after": p50, "latency_engine": shown.engine.name, "latency_badge": shown.kept.badge.word,
        "latency_protocol": PROTOCOL, "latency_runtimes": {each.engine.name: each.engine.runtime for each in found},
        "variants": [network.as_summary() | {"latency_ms": p50}],
        "verdict": ". ".join(["; ".join(_told(each, with_reasons=each is shown) for each in ordered), *_more(shown)]),
    }


def _told(found: Found, *, with_reasons: bool) -> str:
    """One engine's part of the verdict: the median and how well it is known, the tail, and how quiet it was."""
    badge = str(found.kept.badge) if with_reasons else found.kept.badge.word
    timing = found.kept.found.timing
    low, high = limits_ms(found.kept.found, 0.5)
    sure = f" (95 % {figures(low)}–{figures(high)})" if low is not None and high is not None else ""
    p95, p99 = (figures(timing.quantile_ms(q)) for q in (0.95, 0.99))
    compiled = f", compiled in {found.compile_s:.1f} s" if found.compile_s is not None else ""
    return f"{found.engine.name}: p50 {figures(timing.p50_ms)} ms{sure}, p95 {p95} ms, p99 {p99} ms, {badge}{compiled}"


def _more(shown: Found) -> list[str]:
    """Further sentences on the headline engine, for what was asked for."""
    said = []
    if shown.loaded:
        load, first = (figures(shown.loaded.median_ms(name)) for name in ("load_ns", "first_ns"))
        peak = shown.loaded.peak_bytes
        memory = f", {figures(peak / 1e6)} MB at its peak beside the bare runtime" if peak is not None else ""
        said.append(f"A new process loads it in {load} ms ({shown.loaded.cache}), and its first inference takes {first} ms"
                    f"{memory}")
    if shown.batches:
        best = max(shown.batches, key=lambda each: each.found.throughput_per_s * each.batch)
        said.append(f"Most images a second: {figures(best.found.throughput_per_s * best.batch)} in batches of {best.batch}")
    if shown.sustained:
        said.append(shown.sustained.told)
    return said
