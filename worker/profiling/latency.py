"""How long one inference takes: both engines, variants turn by turn, raw samples kept in a file. Loads torch for nobody: a
variant that torch can run brings it."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence

from worker.context import Context, write_durably
from worker.events import Event, FileMade, Log, Measured, Progress
from worker.profiling import onnx
from worker.profiling.recall import Work, once
from worker.profiling.stopwatch import QUICK, Plan, Timing, clock
from worker.profiling.written import Written

HEADLINE = onnx.ENGINE
AGAIN = 3
TORCH = "torch"
ENGINES = (TORCH, onnx.ENGINE)
Timings = dict[str, dict[str, Timing]]


def latencies(
    variants: Sequence[Written], context: Context, *, batch: int = 1, plan: Plan = QUICK,
    engines: Sequence[str] = ENGINES, tag: str = "latency", again: int = AGAIN,
) -> Generator[Event, None, Timings]:
    """Timings by engine and variant. The headline engine speaks last, so that a chart without engines shows it.

    `again`: how often its timing is repeated, at most, when other work disturbed it.
    """
    found: Timings = {}
    for engine in engines:
        work = _timed(variants, engine, batch=batch, threads=context.threads, plan=plan, again=again)
        facts = yield from once(context.checkpoints, f"{tag}-{engine}", work)
        found[engine] = {name: Timing.from_facts(each) for name, each in facts.items()}
        file = _keep(found[engine], context, f"{tag}-{engine}.json")
        yield FileMade(path=file, name=f"latency samples, {engine}.json", media_type="application/json")
        for name, timing in found[engine].items():
            yield from _said(name, timing, engine, batch=batch, context=context, file=file)
    return found


def _timed(variants: Sequence[Written], engine: str, *, batch: int, threads: int, plan: Plan, again: int = AGAIN) -> Work:
    calls = {each.name: each.call(engine, batch=batch, threads=threads) for each in variants}
    found = yield from _progress(clock(calls, plan), engine)
    # Verdicts stand on the headline engine: a disturbed measurement of it is made again, and the calmest is kept.
    for _ in range(again if engine == HEADLINE else 0):
        if not _disturbance(found):
            break
        yield Log(level="debug", message=f"The timing in {engine} was disturbed; measured again.")
        found = min(found, (yield from _progress(clock(calls, plan), engine)), key=_disturbance)
    return {name: each.as_facts() for name, each in found.items()}


def _disturbance(found: Mapping[str, Timing]) -> float:
    """0 when every timing is stable, else more the more wall time there was to CPU time."""
    return sum(each.wall_s / each.cpu_s if each.cpu_s else 1.0 for each in found.values() if each.noise)


def _progress(
    timing: Generator[float, None, dict[str, Timing]], engine: str,
) -> Generator[Event, None, dict[str, Timing]]:
    while True:
        try:
            yield Progress(done=next(timing), total=1, stage=f"timing in {engine}")
        except StopIteration as end:
            timings: dict[str, Timing] = end.value
            return timings


def _keep(timings: Mapping[str, Timing], context: Context, file: str) -> str:
    kept = {name: {"unit": "ns", "badge": each.badge, "noise": each.noise, **each.as_facts()}
            for name, each in timings.items()}
    write_durably(context.workdir / file, json.dumps(kept).encode())
    return file


def _said(
    name: str, timing: Timing, engine: str, *, batch: int, context: Context, file: str,
) -> Generator[Event, None, None]:
    low, high = timing.interval_ms or (None, None)
    for metric, q in (("latency_ms_p95", 0.95), ("latency_ms_p99", 0.99), ("latency_ms_p50", 0.5)):
        bounds = {"low": low, "high": high} if q == 0.5 else {}
        yield Measured(variant=name, metric=metric, value=timing.quantile_ms(q), unit="ms", device=context.device,
                       engine=engine, threads=context.threads, batch=batch, n=len(timing.samples_ns), samples=file,
                       noisy=bool(timing.noise), **bounds)
    if timing.noise:
        yield Log(level="warning", message=f"{name} in {engine}: noisy latency; {'; '.join(timing.noise)}.")
