"""A quantised network beside its fp32 parent: the same engine, the same images, the files that ship."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from worker.context import Context
from worker.datasets import Data
from worker.dnn import cost, quantised
from worker.dnn.quantised import Quantised
from worker.events import Event, Log, Measured, Metric
from worker.params import Precision
from worker.profiling.answers import Answers, answers
from worker.profiling.latency import HEADLINE, Timings, latencies
from worker.profiling.opening import Opened, opened
from worker.profiling.phases import Phases
from worker.profiling.variants import Variant, write
from worker.profiling.written import Written, sizes, slug
from worker.quantisation.graph import Folded, rounding_errors
from worker.quantisation.reduced import Quantise, Reduced
from worker.quantisation.verdict import Outcome, sentence
from worker.training.accuracy import Score
from worker.training.hardware import settle

FULL = "fp32"
Sides = tuple[Variant, Written]


def compare(
    precision: Precision, quantiser: Callable[[Data], Quantise], context: Context, *, batch: int
) -> Generator[Event, None, dict[str, Any]]:
    """The run of every way to quantise; returns the summary. Resumed, it recalls ranges, times and answers."""
    settle(threads=context.threads, seed=context.seed)
    phases = Phases()
    given = yield from opened(context, "given")
    before = yield from write(given.network, FULL, in_shape=given.data.in_shape, classes=given.data.classes,
                              folder=context.workdir, trained=given.trained)
    yield phases.end("open")
    after, reduced = yield from _reduced(precision, quantiser(given.data), given, context)
    yield phases.end("quantise")
    for variant in (before, after):
        yield from sizes(variant)
    timings = yield from latencies([before, after], context, batch=batch, engines=(HEADLINE,))
    yield phases.end("measure")
    judged = yield from _judged((before, after), given.data, context)
    yield phases.end("test")
    for variant in (before, after):
        yield variant.said()
    outcome = _outcome((before, after), timings, judged, reduced, trained=given.trained)
    return _summary(outcome, (before, after), timings)


def _reduced(
    precision: Precision, quantise: Quantise, given: Opened, context: Context
) -> Generator[Event, None, tuple[Written, Reduced]]:
    folded = Folded.of(given.network, given.data.in_shape)
    reduced = yield from quantise(folded)
    for layer, error in rounding_errors(folded.weights, reduced.weights).items():
        yield Metric(name="rounding_error", value=error, labels={"layer": layer})
    path = context.workdir / f"{slug(precision)}.onnx"
    about = _about(precision, reduced, given, context.model().name)
    digest = quantised.save(reduced.model, about, path)
    yield Log(level="debug", message=f"{precision}: batch-norm was folded into the layers before it.")
    written = Written(name=precision, path=path, onnx=path, sha256=digest, facts=about.facts(path), parent=FULL,
                      precision=precision)
    return written, reduced


def _about(precision: Precision, reduced: Reduced, given: Opened, name: str) -> Quantised:
    """Parameters and multiply-accumulates are those of the network as it was given: rounding changes neither."""
    total = cost.cost(given.network, given.data.in_shape)
    return Quantised(name=f"{name[:190]} as {precision}", precision=precision, in_shape=tuple(given.data.in_shape),
                     classes=given.data.classes, trained=given.trained, params=total.params, macs=total.macs,
                     activation_bytes=reduced.activation_bytes)


def _judged(sides: Sides, data: Data, context: Context) -> Generator[Event, None, tuple[Answers, Answers]]:
    before, after = sides
    full = yield from answers(before, data, context)
    few = yield from answers(after, data, context)
    for variant, found in ((before, full), (after, few)):
        yield _said(variant, "accuracy", score(found), data)
    same = Score(round(full.agreement(few) * len(full.labels)), len(full.labels))
    yield _said(after, "agreement", same, data)
    return full, few


def score(found: Answers) -> Score:
    return Score(found.correct, len(found.labels), found.finite)


def _said(variant: Written, metric: str, found: Score, data: Data) -> Measured:
    low, high = found.interval
    return Measured(variant=variant.name, metric=metric, value=found.accuracy, unit="fraction", engine=HEADLINE,
                    dataset=data.name, split="test", n=found.n, low=low, high=high)


def _outcome(
    sides: Sides, timings: Timings, judged: tuple[Answers, Answers], reduced: Reduced, *, trained: bool
) -> Outcome:
    (before, after), (full, few), timed = sides, judged, timings[HEADLINE]
    return Outcome(
        after.precision, before.onnx.stat().st_size, after.facts.size_bytes, timed[before.name], timed[after.name],
        score(full), score(few), full.agreement(few), trained, reduced.why_slower, reduced.doubt,
    )


def _summary(outcome: Outcome, sides: Sides, timings: Timings) -> dict[str, Any]:
    before, after = (each.facts for each in sides)
    quiet = outcome.timing_before.badge == outcome.timing_after.badge == "stable"
    scores = (outcome.score_before, outcome.score_after)
    return {
        "params_before": before.params, "params_after": after.params,
        "macs_before": before.macs, "macs_after": after.macs,
        "size_bytes_before": outcome.size_before, "size_bytes_after": outcome.size_after,
        "latency_ms_before": outcome.timing_before.p50_ms, "latency_ms_after": outcome.timing_after.p50_ms,
        "accuracy_before": scores[0].accuracy, "accuracy_after": scores[1].accuracy,
        "latency_engine": HEADLINE, "latency_badge": "stable" if quiet else "noisy",
        "agreement": outcome.agreement, "test_images": scores[1].n,
        "variants": [side.as_summary() | {"latency_ms": timings[HEADLINE][side.name].p50_ms, "accuracy": found.accuracy}
                     for side, found in zip(sides, scores, strict=True)],
        "verdict": sentence(outcome),
    }
