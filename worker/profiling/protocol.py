"""The measuring half of a benchmark by the published protocol (docs/benchmark-protocol.md): the same here and on a board.

NumPy and ONNX Runtime only; an engine that needs torch is brought by whoever has it.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from worker.context import Context
from worker.events import Event, Labels, Log, Metric
from worker.orders import Order
from worker.profiling import saying
from worker.profiling.badge import disturbance
from worker.profiling.engines import Engine, Missing, has_cuda, onnx_engine
from worker.profiling.instruments import Instruments
from worker.profiling.journal import Facts, Journal
from worker.profiling.loading import Loaded, loaded
from worker.profiling.sampling import Goal
from worker.profiling.steps import Bench, Options, Part, part
from worker.profiling.sustained import Sustained, sustained
from worker.profiling.written import Written, sizes

DRAWN = 2000
SHARE_OF_A_BATCH = 0.5


@dataclass(frozen=True)
class Found:
    """All that one engine told: loading, every try of the steady state and which was kept, other batches, sustained load."""

    engine: Engine
    loaded: Loaded | None
    tries: tuple[Part, ...]
    kept: Part
    batches: tuple[Part, ...]
    sustained: Sustained | None
    compile_s: float | None


def measure(options: Options, order: Order, *, on_gpu: bool, context: Context) -> Generator[Event, None, dict[str, Any]]:
    """Time the ordered network in ONNX Runtime; returns the run's summary."""
    network = Written.from_summary(order.facts["network"], context.workdir)
    engine = onnx_engine(network, threads=context.threads, on_gpu=on_gpu and has_cuda())
    return (yield from measured(network, [engine], options, context))


def measured(
    network: Written, engines: Sequence[Engine], options: Options, context: Context, instruments: Instruments | None = None,
) -> Generator[Event, None, dict[str, Any]]:
    """Every engine in turn. The headline engine comes last, so that a chart without engines shows it."""
    yield from sizes(network)
    journal, found = Journal(context.workdir / "benchmark.jsonl", context.checkpoints), list[Found]()
    for engine in engines:
        bench = Bench(engine, options, context, journal, instruments or Instruments())
        try:
            found.append((yield from _one(bench)))
        except Missing as why:
            if len(engines) == 1:
                raise ValueError(str(why)) from None
            yield Log(level="warning", message=f"{why} The other engines are timed.")
            continue
        yield from saying.said(network, found[-1], context)
    return saying.summary(network, found)


def _one(bench: Bench) -> Generator[Event, None, Found]:
    bench.rest()
    load = yield from loaded(bench)
    tries = yield from _tries(bench)
    kept = min(tries, key=lambda each: disturbance(each.found, each.badge))
    yield from _percentiles(bench, kept)
    batches = yield from _batches(bench, kept)
    lasting = yield from sustained(bench)
    compiled = bench.journal.ended(f"{bench.engine.name}/compiled-{bench.options.batch}")
    return Found(bench.engine, load, tuple(tries), kept, tuple(batches), lasting, compiled["seconds"] if compiled else None)


def _tries(bench: Bench) -> Generator[Event, None, list[Part]]:
    """The steady state; a disturbed one again, as often as was asked for."""
    found: list[Part] = []
    while len(found) < bench.options.tries and not any(each.badge.word == "stable" for each in found):
        found.append((yield from _steady(bench, len(found) + 1)))
    if len(found) > 1:
        yield Log(level="debug", message=f"The timing in {bench.engine.name} was disturbed; measured {len(found)} times, and the "
                                         "calmest is kept. The file has all.")
    return found


def _steady(bench: Bench, number: int) -> Generator[Event, None, Part]:
    labels: Labels = {"engine": bench.engine.name}
    labels |= {"try": f"try {number}"} if number > 1 else {}
    laps = itertools.count()

    def speak(begun: Facts, portion: Facts) -> Iterator[Event]:
        """Samples in the order they were taken; every n-th where there are more than a chart shows. The file has all."""
        every = -(-begun["expected"] // DRAWN)
        for sample_ns, lap in zip(portion["samples_ns"], laps, strict=False):
            if lap % every == 0:
                yield Metric(name="latency_ms", value=sample_ns / 1e6, step=lap, labels=labels)

    options = bench.options
    return (yield from part(bench, f"steady-{number}", options.batch, options.goal, speak, f"timing in {bench.engine.name}"))


def _percentiles(bench: Bench, kept: Part) -> Generator[Metric, None, None]:
    for word, q in saying.PERCENTILES:
        yield Metric(name="latency_percentile_ms", value=kept.found.timing.quantile_ms(q),
                     labels={"engine": bench.engine.name, "percentile": word})


def _batches(bench: Bench, kept: Part) -> Generator[Event, None, list[Part]]:
    """Throughput and latency over the size of the batch, the headline's among them."""
    found, options = list[Part](), bench.options
    goal = Goal(max(6, options.goal.least // 5), SHARE_OF_A_BATCH * options.goal.seconds, options.goal.most)
    for batch in sorted({*options.batches, options.batch} if options.batches else ()):
        try:
            each = kept if batch == options.batch else (
                yield from part(bench, f"batch-{batch}", batch, goal, _silent, f"batches of {batch} in {bench.engine.name}"))
        except ValueError as why:
            yield Log(level="warning", message=f"Batches of {batch} are left out: {why}.")
            continue
        found.append(each)
        yield from saying.of_batch(bench.engine.name, each)
    return found


def _silent(begun: Facts, portion: Facts) -> tuple[()]:
    """Too short to be drawn while it goes on."""
    return ()
