"""DNNShifter's portfolio: one search for lottery tickets, every level of it made small without changing an answer.

A level is offered as soon as it ends: it is shrunk, written, timed beside the fused sparse network it was made of, and
compared with it on every test image.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

from torch import fx

from worker.context import Context
from worker.dnn import export
from worker.dnn.cost import cost
from worker.dnn.surgery import LayerCollapse, shrink
from worker.events import Event, FileMade, Log, Measured, Metric
from worker.listening import through
from worker.portfolio.equality import Equality, equality
from worker.portfolio.grid import nearest
from worker.portfolio.outcome import describe, summary
from worker.portfolio.rows import Beside, Row
from worker.profiling.latency import HEADLINE, Timings, latencies
from worker.profiling.opening import Opened, Start, opened
from worker.profiling.phases import Phases
from worker.profiling.variants import Variant, write
from worker.profiling.written import Written, sizes
from worker.sparsity.lottery import Level, Lottery, Plan
from worker.sparsity.masking import POLICY
from worker.sparsity.masks import by_parameter, densities, density
from worker.training.accuracy import commonest, measured
from worker.training.hardware import settle
from worker.training.settings import Settings

DENSE = "dense"


@dataclass(frozen=True)
class Terms:
    """`everything`: offer every level, not only those nearest to a power of two."""

    training: Settings
    plan: Plan
    start: Start = "given"
    everything: bool = False
    round_to: int = 1
    latency_batch: int = 1


def portfolio(terms: Terms, context: Context) -> Generator[Event, None, dict[str, Any]]:
    """The whole run; returns the summary, whose `levels` are the rows."""
    rows, made = yield from levels(terms, context)
    return summary(rows, made)


def levels(terms: Terms, context: Context) -> Generator[Event, None, tuple[list[Row], dict[str, Variant]]]:
    """A row for each level that was reached, and the variants that are offered, by name."""
    settle(threads=context.threads, seed=context.seed)
    phases = Phases()
    given = yield from opened(context, terms.start)
    yield phases.end("open")
    return (yield from _Run(terms, context, given).events())


def named(number: int) -> str:
    return f"level {number}" if number else DENSE


@dataclass
class _Run:
    terms: Terms
    context: Context
    given: Opened
    rows: list[Row] = field(default_factory=list)
    made: dict[str, Variant] = field(default_factory=dict)

    def events(self) -> Generator[Event, None, tuple[list[Row], dict[str, Variant]]]:
        lottery = Lottery(self.given.network, self.given.data, self.terms.training, self.terms.plan,
                          self.context.checkpoints, named)
        yield Log(message=lottery.goes_back())
        begun, trained, left = time.monotonic(), 0.0, dict[str, float]()
        for number in range(self.terms.plan.last + 1):
            try:
                level = yield from _one_curve(lottery.level(number), self.terms.training.epochs, number)
            except LayerCollapse as collapse:
                yield Log(level="warning", message=_ended(number, collapse))
                break
            trained += level.seconds
            yield from self._level(level)
            left = densities(level.masks)
        for layer, share in left.items():
            yield Metric(name="density", value=share, labels={"layer": layer})
        shrunk = sum(row.shrink_seconds for row in self.rows)
        rest = max(0.0, time.monotonic() - begun - trained - shrunk)
        for phase, seconds in (("train all levels", trained), ("shrink", shrunk), ("measure and save", rest)):
            yield Metric(name="phase_seconds", value=round(seconds, 4), labels={"phase": phase})
        return self.rows, self.made

    def _level(self, level: Level) -> Generator[Event, None, None]:
        begun = time.monotonic()
        small = compact(level, self.terms.round_to)
        seconds = time.monotonic() - begun
        name, data = named(level.number), self.given.data
        equal = yield from equality(level.network, small, data, self.context.checkpoints, f"{level.number:03}")
        variant = yield from write(small, name, in_shape=data.in_shape, classes=data.classes, folder=self.context.workdir,
                                   parent=DENSE if level.number else None, trained=True, fold=True)
        offered = equal.holds and level.number in self._wanted
        timings = yield from self._timed(level, variant, said=offered)
        row = self._row(level, variant, timings, equal, offered=offered, seconds=seconds)
        self.rows.append(row)
        yield from row.metrics()
        yield Log(level="info" if equal.holds else "warning", message=describe(row))
        if offered:
            yield from self._offer(variant, equal)

    @property
    def _wanted(self) -> list[int]:
        densities = self.terms.plan.densities
        return list(range(len(densities))) if self.terms.everything else nearest(densities)

    def _offer(self, variant: Variant, equal: Equality) -> Generator[Event, None, None]:
        yield from sizes(variant)
        yield measured(equal.compact, self.given.data, variant.name)
        self.made[variant.name] = variant
        yield variant.said()

    def _timed(self, level: Level, variant: Variant, *, said: bool) -> Generator[Event, None, Timings]:
        """The sparse network's file is of no use but to be timed: it is gone afterwards."""
        tag, name = f"latency-level-{level.number:03}", f"{variant.name}, sparse"
        sparse = Written(name=name, path=variant.path, onnx=self.context.workdir / f"sparse-{level.number:03}.onnx",
                         sha256="", facts=variant.facts)
        if self.context.checkpoints.last(f"{tag}-{HEADLINE}") is None:
            export.to_onnx(level.network, self.given.data.in_shape, sparse.onnx, fold=True)
        timings = yield from _heard(
            latencies([sparse, variant], self.context, batch=self.terms.latency_batch, engines=(HEADLINE,), tag=tag, again=1),
            variant.name, said=said)
        sparse.onnx.unlink(missing_ok=True)
        return timings

    def _row(self, level: Level, variant: Variant, timings: Timings, equal: Equality, *, offered: bool, seconds: float) -> Row:
        found = timings[HEADLINE]
        beside = Beside(variant.facts, cost(level.network, self.given.data.in_shape), found[variant.name],
                        found[f"{variant.name}, sparse"], equal)
        return Row(level=level.number, variant=variant.name, offered=offered, density=density(level.masks),
                   classes=self.given.data.classes, commonest=commonest(self.given.data),
                   survivors=sum(int(mask.sum()) for mask in level.masks.values()), epochs=level.epochs,
                   train_seconds=round(level.seconds, 3), shrink_seconds=round(seconds, 4), **beside.as_row_facts())


def _ended(number: int, collapse: LayerCollapse) -> str:
    return (f"The search ends before level {number} of its plan: {str(collapse).rstrip('.')}. Fewer levels, or a smaller "
            "fraction a level, leave a way through.")[:2000]


def _one_curve(events: Generator[Event, None, Level], epochs: int, number: int) -> Generator[Event, None, Level]:
    """The epochs of all levels behind each other on one axis; a level's own start has a place between two of them.

    All levels have the learning rates of the first, which alone are said.
    """

    def say(event: Event) -> list[Event]:
        if not isinstance(event, Metric) or event.step is None:
            return [event]
        if event.name == "learning_rate":
            return [event] if number == 0 else []
        return [Metric(name=event.name, value=event.value, step=number * (epochs + 1) + event.step,
                       labels={"split": event.labels["split"]})]

    return through(events, say)


def _heard(events: Generator[Event, None, Timings], variant: str, *, said: bool) -> Generator[Event, None, Timings]:
    """Only what is offered stands on the trade-off; the samples of every level are kept."""

    def say(event: Event) -> list[Event]:
        if isinstance(event, Measured) and not (said and event.variant == variant):
            return []
        if isinstance(event, FileMade):
            return [event.model_copy(update={"name": f"latency samples, {variant} and its sparse network.json"})]
        return [event]

    return through(events, say)


def compact(level: Level, round_to: int = 1) -> fx.GraphModule:
    """A level without the channels that its masks left empty."""
    return shrink(level.network, by_parameter(level.masks), policy=POLICY, round_to=round_to).network
