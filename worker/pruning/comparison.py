"""A pruned network beside its dense parent: small first and timed at once, then trained, then tested on equal terms."""

from __future__ import annotations

import copy
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import fx

from worker.context import Context
from worker.dnn.cost import cost
from worker.events import Event, Log, Metric
from worker.profiling.latency import Timings, latencies
from worker.profiling.opening import opened
from worker.profiling.phases import Phases
from worker.profiling.variants import Variant, write
from worker.profiling.written import sizes
from worker.pruning.keeping import kept
from worker.pruning.pruned import Prune, Pruned, Subject
from worker.pruning.recalibration import Effect, recalibration
from worker.pruning.shares import Part, share
from worker.pruning.summary import DENSE, Costs, Side, outcome, summary
from worker.pruning.terms import Terms
from worker.pruning.verdict import gains
from worker.pruning.warm_up import NAME as WARM_UP
from worker.pruning.warm_up import Warmed, warm_up
from worker.training.accuracy import judged
from worker.training.hardware import settle
from worker.training.loop import Hold, Leg, Share, Trained, train
from worker.training.rates import Rates

__all__ = ["DENSE", "Terms", "compare"]


def compare(name: str, prune: Prune, terms: Terms, context: Context) -> Generator[Event, None, dict[str, Any]]:
    """The run of every method that prunes once; returns the summary. Resumed, it says what it said and goes on.

    Where there is a warm-up the weights it ends with are pruned; both networks go on from there, the dense one whole.
    """
    settle(threads=context.threads, seed=context.seed)
    phases = Phases()
    given = yield from opened(context, terms.start)
    yield phases.end("open")
    return (yield from _Comparison(name, terms, context, phases, Warmed(given), Pruned(given.network, {})).events(prune))


@dataclass
class _Comparison:
    """`start` and `pruned` are what was given until the warm-up and the pruning have made more of it."""

    name: str
    terms: Terms
    context: Context
    phases: Phases
    start: Warmed
    pruned: Pruned

    def __post_init__(self) -> None:
        self.came_trained = self.start.opened.trained

    def events(self, prune: Prune) -> Generator[Event, None, dict[str, Any]]:
        yield from self._warm_up()
        yield from self._prune(prune)
        costs = Costs.of(self.start.trained, self.pruned, self.phases.seconds["prune"], self.context.checkpoints)
        effect = yield from self._recalibrated()
        before = Side((yield from self._write(self.start.opened.network, DENSE, trained=self.start.opened.trained)))
        after = Side((yield from self._write(self._small(), self.name, trained=self._learned)))
        timings = yield from self._timed(before, after)
        yield self.phases.end("measure")
        if self.terms.training.epochs:
            yield from self._train(before, after)
        yield from self._test(before, after)
        for side in (before, after):
            yield side.written.said()
        yield self.phases.end("test and save")
        return summary(before, after, timings, self.pruned, self.terms, costs, effect)

    def _warm_up(self) -> Generator[Event, None, None]:
        if self.terms.warm_up:
            self.start = yield from warm_up(self.start.opened, self.terms, self.context.checkpoints, variant=DENSE,
                                            share=self._share(WARM_UP))
            yield self.phases.end(WARM_UP)

    def _prune(self, prune: Prune) -> Generator[Event, None, None]:
        # A warm-up from checkpoints drew other random numbers than one that was trained here; pruning must not see which.
        torch.manual_seed(self.context.seed)
        given = self.start.opened
        self.pruned = yield from kept(prune, Subject(copy.deepcopy(given.network), given.data, self.terms.training, self.context,
                                                     self.start.initial, self.came_trained))
        if self.terms.warm_up and self.pruned.redrawn:
            yield Log(message="The weights were drawn afresh after the short training, which only decided what was pruned.")
        for layer, left in self.pruned.density.items():
            yield Metric(name="density", value=left, labels={"layer": layer})
        yield self.phases.end("prune")

    @property
    def _learned(self) -> bool:
        """Whether the pruned network answers from training before any training of its own."""
        before = self.came_trained if self.pruned.rewound else self.start.opened.trained
        return before and not self.pruned.redrawn

    @property
    def _trains_dense(self) -> bool:
        """Weights that came trained are compared as they are, unless the warm-up has changed them."""
        return self.terms.reference and bool(self.terms.warm_up or not self.came_trained)

    def _recalibrated(self) -> Generator[Event, None, Effect | None]:
        if not self.terms.recalibrate:
            return None
        effect = yield from recalibration(self.pruned.network, self.start.opened.data, self.terms, tell=self._learned)
        yield self.phases.end("recalibrate")
        return effect

    def _small(self) -> fx.GraphModule:
        return self.pruned.compact() if self.terms.compact else self.pruned.network

    def _write(self, network: fx.GraphModule, name: str, *, trained: bool) -> Generator[Event, None, Variant]:
        data = self.start.opened.data
        return (yield from write(network, name, in_shape=data.in_shape, classes=data.classes, trained=trained,
                                 folder=self.context.workdir, parent=None if name == DENSE else DENSE))

    def _timed(self, before: Side, after: Side) -> Generator[Event, None, Timings]:
        """Speed depends on the shape, not on the weights: it is known before training begins."""
        for side in (before, after):
            yield from sizes(side.written)
        timings = yield from latencies([before.written, after.written], self.context, batch=self.terms.latency_batch)
        yield Log(message=f"So far: {gains(outcome(before, after, timings, self.pruned, self.terms))}.")
        return timings

    def _train(self, before: Side, after: Side) -> Generator[Event, None, None]:
        """The pruned network first: it is what the person waits for."""
        begun = self.start.trained.rates if self.start.trained else None
        after.trained = yield from self._trained(self.pruned.network, self.name, self.pruned.hold(), begun=begun)
        yield self.phases.end(f"train {self.name}")
        if self._trains_dense:
            if after.trained.rates.changed:
                yield Log(message=f"The {DENSE} network is trained with the learning rates of {self.name}, changes and all.")
            before.trained = yield from self._trained(self.start.opened.network, DENSE, follow=after.trained.rates)
            yield self.phases.end(f"train {DENSE}")

    def _trained(
        self, network: fx.GraphModule, variant: str, hold: Hold | None = None, *,
        begun: Rates | None = None, follow: Rates | None = None,
    ) -> Generator[Event, None, Trained]:
        settings = replace(self.terms.whole, follow=follow)
        leg = Leg(self.terms.warm_up, rates=begun, judged=variant == DENSE and self.terms.warm_up > 0)
        if variant == self.name and self.pruned.onward:
            settings, leg = self.pruned.onward.settings, self.pruned.onward.leg
        return (yield from train(network, self.start.opened.data, settings, variant=variant,
                                 checkpoints=self.context.checkpoints, hold=hold, share=self._share(variant), leg=leg))

    def _share(self, part: str) -> Share:
        """How the trainings share the bar; a masked network is trained full size, and before pruning nobody knows better."""
        small, dense = (cost(network, self.start.opened.data.in_shape).macs
                        for network in (self.pruned.network, self.start.opened.network))
        epochs, onward = self.terms.training.epochs, self.pruned.onward
        parts = {WARM_UP: Part(self.terms.warm_up, dense), "pruning": Part(onward.behind if onward else 0, dense),
                 self.name: Part(epochs - (onward.leg.after if onward else 0), small)}
        again = 0 if onward and onward.dense_done else epochs
        return share(parts | ({DENSE: Part(again, dense)} if self._trains_dense else {}), part)

    def _test(self, before: Side, after: Side) -> Generator[Event, None, None]:
        if after.trained:
            after.written = yield from self._write(self._small(), self.name, trained=True)
        if after.trained or self._learned:
            after.score = yield from judged(after.written.network, self.start.opened.data, self.name)
        if before.trained:
            before.written = yield from self._write(self.start.opened.network, DENSE, trained=True)
        if before.trained or self._fair:
            before.score = yield from judged(before.written.network, self.start.opened.data, DENSE)

    @property
    def _fair(self) -> bool:
        """Whether the dense network may be compared as it is: it came trained, or neither was trained after pruning."""
        return self.came_trained or (self.start.opened.trained and not self.terms.training.epochs)
