"""Structured pruning at initialisation: the scores of single weights, summed up over channels, choose what is cut out."""

from __future__ import annotations

import copy
from collections.abc import Generator
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
from torch import fx, nn

from worker.dnn.cost import cost
from worker.dnn.initialisation import reinitialise
from worker.dnn.shapes import Shape
from worker.dnn.spec import module_at
from worker.dnn.surgery.groups import Groups, Measure
from worker.dnn.surgery.mixing import Values, mixes, widths
from worker.dnn.surgery.shrinking import Shrunk
from worker.dnn.surgery.streams import Flags, Ids
from worker.events import Event, Log, Progress
from worker.profiling.pulse import Pulse
from worker.pruning.pruned import Pruned
from worker.pruning.unstructured import Control
from worker.pruning.weighing import Weighing
from worker.sparsity.flowing import bends
from worker.sparsity.schedules import exponential
from worker.sparsity.scores import Scores
from worker.training.hardware import chosen

Of = Literal["params", "macs"]
Rank = Literal["by_cost", "by_score"]
WORDS = {"params": "parameters", "macs": "multiply-accumulates"}
GONE = -np.inf


@dataclass(frozen=True)
class Rules:
    """`left`: the part of the parameters (or multiply-accumulates) that may stay. `rank`: by score for each of them that a
    channel costs, or by score alone."""

    left: float
    of: Of = "params"
    rounds: int = 1
    rank: Rank = "by_cost"
    round_to: int = 1
    min_channels: int = 1
    control: Control = "none"
    seed: int = 7


def prune(network: fx.GraphModule, rules: Rules, weighing: Weighing) -> Generator[Event, None, Pruned]:
    """Weigh, give up the least worthy channels, weigh what is left, and so on; then one cut."""
    search = _Search(network, rules, weighing.in_shape)
    working, pulse = copy.deepcopy(network).to(chosen()), Pulse()
    if weighing.criterion == "synflow" and (kinds := bends(network)):
        yield Log(message=f"SynFlow was made for rectifiers and batch-norm; {', '.join(kinds)} let its flow through unchanged.")
    for done, left in enumerate(exponential(rules.left, rules.rounds), 1):
        search.round(weighing.scores(working, search.makers), left)
        if done < rules.rounds:
            search.groups.silence(working, search.alive)
            if pulse.due():
                yield Progress(done=done, total=rules.rounds, stage="rounds of scoring")
    yield from search.told()
    layers = {name: module_at(network, name) for name in search.makers}
    before = {name: widths(layer)[0] for name, layer in layers.items() if mixes(layer)}
    small, again = search.cut(), rules.control == "reinitialise"
    if again:
        reinitialise(small.network, rules.seed + 1)
    return _pruned(small, before, redrawn=again, spent=weighing.spent(rules.rounds))


def _pruned(small: Shrunk, before: dict[str, int], *, redrawn: bool, spent: float) -> Pruned:
    density = {name: len(kept) / before[name] for name, kept in small.kept.items() if name in before}
    same = all(share == 1 for share in density.values())
    untouched = "every layer needs the channels it has, or rounding up gave them back" if same else ""
    return Pruned(small.network, density, redrawn=redrawn, untouched=untouched, spent=spent)


class _Search:
    """Which channels are left, round by round; a channel that is gone stays gone."""

    def __init__(self, network: fx.GraphModule, rules: Rules, in_shape: Shape) -> None:
        self.rules, self.groups = rules, Groups(network)
        self.alive = self.groups.all.copy()
        self.makers = [each.name for each in self.groups.members if each.kernel]
        macs = {layer.name: layer.macs for layer in cost(network, in_shape).layers}
        weights = {name: cast("nn.Linear", module_at(network, name)).weight for name in self.makers}
        self._positions = {name: macs[name] / weight.numel() for name, weight in weights.items()}
        self._measure: Measure = self.groups.params if rules.of == "params" else self.groups.macs(self._positions)
        self._whole = self._measure(self.alive)

    @property
    def asked(self) -> int:
        return int(self._whole * self.rules.left)

    def round(self, scores: Scores, left: float) -> None:
        value = self._values(self.groups.worth(scores))
        value[~self.alive] = GONE
        self.alive = self._fitting(value, int(self._whole * left))

    def _values(self, worth: Values) -> Values:
        if self.rules.rank == "by_cost":
            price = self.groups.costs(self.alive, None if self.rules.of == "params" else self._positions)
            worth = np.divide(worth, price, out=np.zeros_like(worth), where=price > 0)
        return -worth if self.rules.control == "invert" else worth

    def _fitting(self, value: Values, most: int) -> Flags:
        """As many channels, the best first, as fit: one more would be too many."""
        going = np.flatnonzero(self.groups.removable() & self.alive)
        going = going[np.argsort(value[going], kind="stable")]
        too_many, enough = -1, len(going)
        while enough - too_many > 1:
            middle = (enough + too_many) // 2
            fits = self._measure(self._without(going[:middle], value)) <= most
            too_many, enough = (too_many, middle) if fits else (middle, enough)
        return self._without(going[:enough], value)

    def _without(self, going: Ids, value: Values) -> Flags:
        chosen = self.alive.copy()
        chosen[going] = False
        return self.groups.completed(chosen, value, round_to=self.rules.round_to, min_channels=self.rules.min_channels)

    def told(self) -> Generator[Event, None, None]:
        now, what = self._measure(self.alive), WORDS[self.rules.of]
        gone, could = np.count_nonzero(~self.alive), np.count_nonzero(self.groups.removable())
        yield Log(message=f"{gone:,} of {could:,} channels that can go are given up: {self._whole:,} to {now:,} {what}, "
                          f"at most {self.asked:,} were asked for.")
        if now > self.asked:
            yield Log(level="warning", message=f"No fewer {what} are possible here: every layer keeps at least "
                                               f"{self.rules.min_channels:,} channels, and some are needed whole.")

    def cut(self) -> Shrunk:
        return self.groups.cut(self._shuffled() if self.rules.control == "shuffle" else self.alive)

    def _shuffled(self) -> Flags:
        """As many channels of each layer, but any: only what the widths are worth is left."""
        mixed, dice = self.alive.copy(), np.random.default_rng(self.rules.seed)
        for cell in self.groups.cells():
            mixed[cell] = dice.permutation(mixed[cell])
        return self.groups.completed(mixed, dice.random(len(mixed)), round_to=self.rules.round_to,
                                     min_channels=self.rules.min_channels)
