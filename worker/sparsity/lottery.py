"""Iterative magnitude pruning, level by level: train to the end, prune the smallest survivors, go back, train again.

What "go back" means is `retrain`: weights and learning rate as they were at an early step (the lottery ticket hypothesis:
Frankle, Dziugaite, Roy, Carbin 2019, arXiv 1912.05671), the learning rate alone, or neither (Renda, Frankle, Carbin 2020,
arXiv 2003.02389).
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from torch import fx

from worker.context import Checkpoints
from worker.datasets import Data
from worker.dnn.surgery import shrink
from worker.events import Event, Metric
from worker.listening import noting
from worker.sparsity.masking import POLICY, Masking
from worker.sparsity.masks import Masks, by_parameter, everything, prunable
from worker.sparsity.packing import State, copied, pack, unpack
from worker.sparsity.scores import magnitude
from worker.sparsity.selection import Scope, select
from worker.training.batches import order
from worker.training.loop import Leg, Share, Stepped, Trained, train
from worker.training.rates import Rates
from worker.training.settings import Settings

Retrain = Literal["rewind", "learning_rate", "fine_tune"]
REWIND = "rewind"


def fixed(fraction: float, levels: int) -> tuple[float, ...]:
    """Densities of level 0 and `levels` more, each without the same fraction of what was left."""
    return tuple((1 - fraction) ** level for level in range(levels + 1))


def down_to(density: float, fraction: float) -> tuple[float, ...]:
    """Densities of level 0, of each level above `density`, and of the last one, which is exactly that."""
    found = [1.0]
    while found[-1] * (1 - fraction) > density * (1 + 1e-9):
        found.append(found[-1] * (1 - fraction))
    return (*found, density)


@dataclass(frozen=True)
class Plan:
    """`densities` are those of level 0, which is dense, and of all that follow.

    `rewind`: the share of a training's steps that stays behind every level; `slow`: the part of the learning rate that
    fine-tuning begins with. `lowest`: the smallest weights stay, to see whether size says anything.
    `trained`: level 0 is the network as it came. `keep_dense`: the training of level 0 stays
    among the checkpoints, for others to recall.
    """

    densities: tuple[float, ...]
    retrain: Retrain = "rewind"
    rewind: float = 0.0
    slow: float = 0.1
    classifier: bool = False
    scope: Scope = "global"
    lowest: bool = False
    trained: bool = False
    keep_dense: bool = False

    @property
    def last(self) -> int:
        return len(self.densities) - 1


@dataclass(frozen=True)
class Level:
    """One level at its end: `network` is masked, `epochs` and `seconds` are what it took, `accuracy` is that of the
    validation part.
    """

    number: int
    network: fx.GraphModule
    masks: Masks
    epochs: float
    seconds: float
    accuracy: float | None
    rates: Rates


@dataclass
class Lottery:
    """`level(0)`, `level(1)`, ... in this order; killed and asked again, each says what it said and goes on.

    A level that is done is one checkpoint; one that is under way has those of its training. `named` gives a level's name
    in what is said of its training; `more`: epochs that the run trains besides.
    """

    network: fx.GraphModule
    data: Data
    settings: Settings
    plan: Plan
    checkpoints: Checkpoints
    named: Callable[[int], str] = "level {}".format
    more: int = 0
    before: Level | None = None
    _first: State = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._first = copied(self.network.state_dict())
        self.steps_an_epoch = len(order(len(self.data.parts["train"]), self.settings.batch_size, seed=0, epoch=0))
        self.steps = self.settings.epochs * self.steps_an_epoch
        # A share that names a step exactly must not miss it by a rounding: 0.29 of 100 is a little less than 29.
        self.rewind_step = max(0, min(math.floor(self.plan.rewind * self.steps + 1e-6), self.steps - 1))

    def level(self, number: int) -> Generator[Event, None, Level]:
        """Raises LayerCollapse, before it trains, when nothing of the input would reach the output any more."""
        known = self.checkpoints.last(_name(number))
        self.before = (yield from self._train(number)) if known is None else (yield from self._told(number, known))
        return self.before

    def goes_back(self) -> str:
        """Which step of how many is gone back to, as a sentence; nothing where no level goes back."""
        if self.plan.retrain == "fine_tune":
            return ""
        what = "weights and learning rate go" if self.plan.retrain == "rewind" else "the learning rate goes"
        place = f"step {self.rewind_step:,}" if self.rewind_step else "the very beginning"
        return f"After each pruning {what} back to {place} of the {self.steps:,} steps of a training."

    def ticket(self, number: int) -> tuple[fx.GraphModule, Masks]:
        """The network that level `number` sets out from, masked already, and its masks."""
        network = copy.deepcopy(self.network)
        if number == 0:
            return network, everything(prunable(network, classifier=self.plan.classifier))
        before = self.before
        assert before is not None and before.number == number - 1
        scores = magnitude(prunable(before.network, classifier=self.plan.classifier))
        scores = {name: -score for name, score in scores.items()} if self.plan.lowest else scores
        masks = select(scores, before.masks, density=self.plan.densities[number], scope=self.plan.scope)
        network.load_state_dict(self.snapshot() if self.plan.retrain == "rewind" else before.network.state_dict())
        Masking(network, masks)
        return network, masks

    def snapshot(self) -> State:
        """All of the network's state at the step that is gone back to."""
        known = self.checkpoints.last(REWIND)
        if known is None:
            raise ValueError("The checkpoint of the step that is gone back to is gone; start the run anew.")
        return unpack(known[1], self._first)[0]

    def training(self, number: int) -> tuple[Settings, Leg]:
        """How a level is trained, and which part of a whole training that is."""
        if number == 0:
            return (replace(self.settings, epochs=0) if self.plan.trained else self.settings), Leg()
        assert self.before is not None
        rates = self.before.rates
        if self.plan.retrain == "fine_tune":
            slow = rates if number > 1 else Rates.of([(1, rates.latest * self.plan.slow)])
            return replace(self.settings, follow=slow), Leg()
        after, skip = divmod(self.rewind_step, self.steps_an_epoch)
        return replace(self.settings, follow=rates), Leg(after=after, skip=skip)

    def epochs(self, number: int) -> float:
        """How often a level sees the training part."""
        settings, leg = self.training(number)
        return settings.epochs - leg.after - leg.skip / self.steps_an_epoch

    def _train(self, number: int) -> Generator[Event, None, Level]:
        network, masks = self.ticket(number)
        if number:
            shrink(network, by_parameter(masks), policy=POLICY)
        settings, leg = self.training(number)
        hold = Masking(network, masks).hold if number else None
        said = _Said()
        trained = yield from said.by(train(
            network, self.data, settings, variant=self.named(number), checkpoints=self.checkpoints, hold=hold,
            share=self.share(number), leg=leg, stepped=None if number else self._keeping(network)))
        return self._kept(number, network, masks, trained, said)

    def _keeping(self, network: fx.GraphModule) -> Stepped | None:
        """Keep the snapshot on the way; at once where it is the beginning."""
        if self.plan.retrain != "rewind" or self.checkpoints.last(REWIND):
            return None
        if not self.rewind_step:
            self.checkpoints.save(REWIND, 0, pack(self._first, {}), {})
            return None

        def keep(step: int) -> None:
            if step == self.rewind_step:
                self.checkpoints.save(REWIND, step, pack(network.state_dict(), {}), {})

        return keep

    def share(self, number: int) -> Share:
        """A level's epochs among those of all levels, and those that the run trains besides."""
        first = 0 if self.plan.trained else self.settings.epochs
        each = self.settings.epochs - (self.rewind_step // self.steps_an_epoch if self.plan.retrain != "fine_tune" else 0)
        behind = first + (number - 1) * each if number else 0
        return Share(behind, max(1, first + self.plan.last * each + self.more))

    def _kept(self, number: int, network: fx.GraphModule, masks: Masks, trained: Trained, said: _Said) -> Level:
        _settle_zeros(network, masks)
        level = Level(number, network, masks, self.epochs(number), trained.seconds, trained.validation_accuracy, trained.rates)
        facts = {"epochs": level.epochs, "seconds": level.seconds, "accuracy": level.accuracy, "rates": level.rates.given,
                 "metrics": [metric.model_dump(mode="json") for metric in said.metrics]}
        self.checkpoints.save(_name(number), number, pack(network.state_dict(), masks), facts)
        self._forget_training(number)
        return level

    def _forget_training(self, number: int) -> None:
        """A process that is killed may leave both a level and its training: asked for again, it is done here."""
        if number or not self.plan.keep_dense:
            self.checkpoints.forget(f"training-{self.named(number)}")

    def _told(self, number: int, known: tuple[int, bytes, dict[str, Any]]) -> Generator[Event, None, Level]:
        _, body, facts = known
        self._forget_training(number)
        yield from (Metric.model_validate(each) for each in facts["metrics"])
        network = copy.deepcopy(self.network)
        state, masks = unpack(body, self._first)
        network.load_state_dict(state)
        network.eval()
        return Level(number, network, masks, facts["epochs"], facts["seconds"], facts["accuracy"], Rates.of(facts["rates"]))


@dataclass
class _Said:
    """The metrics that went by."""

    metrics: list[Metric] = field(default_factory=list)

    def by(self, events: Generator[Event, None, Trained]) -> Generator[Event, None, Trained]:
        return noting(events, lambda event: self.metrics.append(event) if isinstance(event, Metric) else None)


@torch.no_grad()
def _settle_zeros(network: fx.GraphModule, masks: Masks) -> None:
    """A negative weight times nothing is a negative zero, which no packed level remembers: files would differ by its bit."""
    for name, mask in masks.items():
        network.get_submodule(name).get_parameter("weight").masked_fill_(~mask, 0.0)


def _name(number: int) -> str:
    return f"level-{number:03}"
