"""A benchmark run: one network, timed carefully, with its raw samples and a badge."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Literal

import torch

from worker.context import Context
from worker.events import Event, Log, Metric
from worker.profiling.latency import ENGINES, HEADLINE, latencies
from worker.profiling.stopwatch import Plan, Timing
from worker.profiling.subject import subject
from worker.profiling.variants import Variant, Written, sizes

DRAWN = 2000
Engine = Literal["both", "onnxruntime", "torch"]


def benchmark(engine: Engine, plan: Plan, *, batch: int, context: Context) -> Generator[Event, None, dict[str, Any]]:
    torch.set_num_threads(context.threads)
    variant = (yield from subject(context)).variant
    name = variant.name
    yield from sizes(variant)
    engines = yield from _engines(engine, variant)
    found = yield from latencies([variant], context, batch=batch, plan=plan, engines=engines)
    for used in engines:
        yield from _drawn(found[used][name], used)
    yield variant.said()
    return _summary(variant, {used: found[used][name] for used in engines})


def _engines(engine: Engine, variant: Written) -> Generator[Log, None, tuple[str, ...]]:
    """The engines that can run the network: of a quantised one there is only the ONNX file."""
    if isinstance(variant, Variant):
        return ENGINES if engine == "both" else (engine,)
    told = f"{variant.name} is quantised ({variant.precision}): torch cannot run it"
    if engine == "torch":
        raise ValueError(f"{told}; choose onnxruntime.")
    if engine == "both":
        yield Log(level="warning", message=f"{told}, so it is timed in {HEADLINE} only.")
    return (HEADLINE,)


def _drawn(timing: Timing, engine: str) -> Generator[Metric, None, None]:
    """Samples in the order they were taken; every n-th where there are more than a chart shows. The file has all."""
    every = -(-len(timing.samples_ns) // DRAWN)
    for lap in range(0, len(timing.samples_ns), every):
        yield Metric(name="latency_ms", value=int(timing.samples_ns[lap]) / 1e6, step=lap, labels={"engine": engine})


def _summary(variant: Written, timings: dict[str, Timing]) -> dict[str, Any]:
    shown = HEADLINE if HEADLINE in timings else next(iter(timings))
    timing = timings[shown]
    facts = variant.facts
    return {
        "params_after": facts.params, "macs_after": facts.macs, "size_bytes_after": facts.size_bytes,
        "latency_ms_after": timing.p50_ms, "latency_engine": shown, "latency_badge": timing.badge,
        "variants": [variant.as_summary() | {"latency_ms": timing.p50_ms}],
        "verdict": "; ".join(_told(used, timings[used]) for used in sorted(timings, key=lambda used: used != shown)),
    }


def _told(engine: str, timing: Timing) -> str:
    """One engine's part of the verdict: the median and how well it is known, the tail, and how quiet it was."""
    interval = timing.interval_ms
    sure = f" (95 % {interval[0]:.3g}–{interval[1]:.3g})" if interval else ""
    p95, p99 = (f"{timing.quantile_ms(q):.3g}" for q in (0.95, 0.99))
    why = f" ({', '.join(timing.noise)})" if timing.noise else ""
    return f"{engine}: p50 {timing.p50_ms:.3g} ms{sure}, p95 {p95} ms, p99 {p99} ms, {timing.badge}{why}"
