"""A pruned network beside its dense parent: small first and timed at once, then trained, then tested on equal terms."""

from __future__ import annotations

import copy
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any

from torch import fx

from worker.context import Context
from worker.dnn.cost import cost
from worker.events import Event, Log, Metric
from worker.profiling.latency import HEADLINE, Timings, latencies
from worker.profiling.opening import Opened, Start, opened
from worker.profiling.phases import Phases
from worker.profiling.variants import Variant, sizes, write
from worker.pruning.pruned import Prune, Pruned
from worker.pruning.verdict import Outcome, gains, sentence
from worker.training.accuracy import Score, judged
from worker.training.hardware import settle
from worker.training.loop import Hold, Share, Trained, train
from worker.training.rates import Rates
from worker.training.settings import Settings

DENSE = "dense"


@dataclass(frozen=True)
class Terms:
    """`reference`: a dense network that starts untrained is trained as long, so that like is compared with like."""

    training: Settings
    start: Start = "given"
    reference: bool = True
    latency_batch: int = 1


@dataclass
class _Side:
    """One of the two networks on its way through the run."""

    written: Variant
    trained: Trained | None = None
    score: Score | None = None


def compare(name: str, prune: Prune, terms: Terms, context: Context) -> Generator[Event, None, dict[str, Any]]:
    """The run of every method that prunes once; returns the summary. Resumed, it says what it said and goes on."""
    settle(threads=context.threads, seed=context.seed)
    phases = Phases()
    given = yield from opened(context, terms.start)
    yield phases.end("open")
    pruned = yield from prune(copy.deepcopy(given.network))
    yield phases.end("prune")
    yield from _densities(pruned)
    run = _Comparison(name, given, pruned, terms, context, phases)
    return (yield from run.events())


def _densities(pruned: Pruned) -> Generator[Event, None, None]:
    for layer, left in pruned.density.items():
        yield Metric(name="density", value=left, labels={"layer": layer})


@dataclass
class _Comparison:
    name: str
    given: Opened
    pruned: Pruned
    terms: Terms
    context: Context
    phases: Phases

    def events(self) -> Generator[Event, None, dict[str, Any]]:
        before = yield from self._write(self.given.network, DENSE, trained=self.given.trained)
        after = yield from self._write(self.pruned.compact(), self.name,
                                       trained=self.given.trained and not self.pruned.redrawn)
        timings = yield from self._timed(before, after)
        yield self.phases.end("measure")
        sides = _Side(before), _Side(after)
        if self.terms.training.epochs:
            yield from self._train(*sides)
            yield from self._test(*sides)
        for side in sides:
            yield side.written.said()
        yield self.phases.end("test and save")
        return self._summary(*sides, timings)

    def _write(self, network: fx.GraphModule, name: str, *, trained: bool) -> Generator[Event, None, Variant]:
        data = self.given.data
        return (yield from write(network, name, in_shape=data.in_shape, classes=data.classes, trained=trained,
                                 folder=self.context.workdir, parent=None if name == DENSE else DENSE))

    def _timed(self, before: Variant, after: Variant) -> Generator[Event, None, Timings]:
        """Speed depends on the shape, not on the weights: it is known before training begins."""
        for variant in (before, after):
            yield from sizes(variant)
        timings = yield from latencies([before, after], self.context, batch=self.terms.latency_batch)
        yield Log(message=f"So far: {gains(self._outcome(_Side(before), _Side(after), timings))}.")
        return timings

    def _train(self, before: _Side, after: _Side) -> Generator[Event, None, None]:
        """The pruned network first: it is what the person waits for."""
        after.trained = yield from self._trained(self.pruned.network, self.name, self.pruned.hold())
        yield self.phases.end(f"train {self.name}")
        if self._trains_dense:
            if after.trained.rates.changed:
                yield Log(message=f"The {DENSE} network is trained with the learning rates of {self.name}, changes and all.")
            before.trained = yield from self._trained(self.given.network, DENSE, before=self.terms.training.epochs,
                                                      follow=after.trained.rates)
            yield self.phases.end(f"train {DENSE}")

    def _trained(
        self, network: fx.GraphModule, variant: str, hold: Hold | None = None, *, before: int = 0,
        follow: Rates | None = None,
    ) -> Generator[Event, None, Trained]:
        share = Share(before, self.terms.training.epochs * (2 if self._trains_dense else 1), self._span(variant))
        settings = replace(self.terms.training, follow=follow)
        return (yield from train(network, self.given.data, settings, variant=variant,
                                 checkpoints=self.context.checkpoints, hold=hold, share=share))

    def _span(self, variant: str) -> tuple[float, float] | None:
        """Which share of all the run's multiply-accumulates this training is; a masked network is trained full size."""
        if not self._trains_dense:
            return None
        small, dense = (cost(network, self.given.data.in_shape).macs
                        for network in (self.pruned.network, self.given.network))
        if not small + dense:
            return None
        meets = small / (small + dense)
        return (meets, 1.0) if variant == DENSE else (0.0, meets)

    def _test(self, before: _Side, after: _Side) -> Generator[Event, None, None]:
        after.written = yield from self._write(self.pruned.compact(), self.name, trained=True)
        after.score = yield from judged(after.written.network, self.given.data, self.name)
        if before.trained:
            before.written = yield from self._write(self.given.network, DENSE, trained=True)
        if before.trained or self.given.trained:
            before.score = yield from judged(before.written.network, self.given.data, DENSE)

    @property
    def _trains_dense(self) -> bool:
        return self.terms.reference and not self.given.trained

    def _outcome(self, before: _Side, after: _Side, timings: Timings) -> Outcome:
        timed = timings[HEADLINE]
        return Outcome(before.written.facts.params, after.written.facts.params, timed[DENSE], timed[self.name],
                       zeros=self.pruned.zeros, score_before=before.score, score_after=after.score,
                       untouched=self.pruned.untouched)

    def _summary(self, before: _Side, after: _Side, timings: Timings) -> dict[str, Any]:
        outcome = self._outcome(before, after, timings)
        return {
            **_pair("params", outcome.params_before, outcome.params_after),
            **_pair("macs", before.written.facts.macs, after.written.facts.macs),
            **_pair("size_bytes", before.written.facts.size_bytes, after.written.facts.size_bytes),
            **_pair("latency_ms", outcome.timing_before.p50_ms, outcome.timing_after.p50_ms),
            **_pair("accuracy", _accuracy(before), _accuracy(after)),
            "latency_engine": HEADLINE, "latency_badge": _badge(outcome), "test_images": after.score.n if after.score else None,
            "sparsity": self.pruned.zeros, "prune_seconds": round(self.phases.seconds["prune"], 4),
            "train_seconds": round(after.trained.seconds, 3) if after.trained else 0.0,
            "epoch_equivalents": after.trained.epochs if after.trained else 0,
            "variants": [_described(side, timings) for side in (before, after)],
            "verdict": sentence(outcome),
        }


def _pair(word: str, before: float | None, after: float | None) -> dict[str, Any]:
    return {f"{word}_before": before, f"{word}_after": after}


def _accuracy(side: _Side) -> float | None:
    return side.score.accuracy if side.score else None


def _badge(outcome: Outcome) -> str:
    quiet = outcome.timing_before.badge == outcome.timing_after.badge == "stable"
    return "stable" if quiet else "noisy"


def _described(side: _Side, timings: Timings) -> dict[str, Any]:
    name = side.written.name
    measured = {"latency_ms": timings[HEADLINE][name].p50_ms, "accuracy": _accuracy(side)}
    return side.written.as_summary() | measured
