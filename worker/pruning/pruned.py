"""What a pruning method hands over: the network to train on, the masks to keep, and how to make it small."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field

import torch
from torch import fx

from worker.context import Checkpoints, Context
from worker.datasets import Data
from worker.dnn.surgery import LayerCollapse, shrink
from worker.events import Event
from worker.sparsity.masking import POLICY, Masking
from worker.sparsity.masks import Masks, by_parameter, density
from worker.training.loop import Leg
from worker.training.settings import Settings


@dataclass(frozen=True)
class Subject:
    """What a method may look at: a copy of the network that is its own, the data, how networks are trained in this run.

    `training` counts the epochs after pruning. `initial`: the tensors the network had before its warm-up; empty where
    there was none, and `network` has them still. `trained`: the network came from a training.
    """

    network: fx.GraphModule
    data: Data
    training: Settings
    context: Context
    initial: Mapping[str, torch.Tensor] = field(default_factory=dict)
    trained: bool = False

    @property
    def checkpoints(self) -> Checkpoints:
        return self.context.checkpoints


@dataclass(frozen=True)
class Onward:
    """How the pruned network is trained where the method has trained already: from which step of which schedule on.

    `behind`: epochs the method trained. `dense_done`: one of its trainings was that of the dense network, and is recalled.
    """

    settings: Settings
    leg: Leg
    behind: int
    dense_done: bool


@dataclass(frozen=True)
class Pruned:
    """`density` is said by layer. Without masks the network is dense inside and already as small as it gets.
    `redrawn`: the method drew weights afresh, so whatever training had taught the network is lost; `rewound`: it went
    back to the weights before the warm-up.
    `untouched`: why a method that narrows layers narrowed none.
    `spent`: epoch-equivalents of pruning: images run forwards and backwards for it, as a multiple of the training part;
    the warm-up is counted by who trained it. `seconds`: what pruning took, where a method that goes on from checkpoints
    knows better than the clock of its last attempt.
    """

    network: fx.GraphModule
    density: dict[str, float]
    masks: Masks = field(default_factory=dict)
    round_to: int = 1
    redrawn: bool = False
    rewound: bool = False
    untouched: str = ""
    spent: float = 0.0
    seconds: float | None = None
    onward: Onward | None = None

    def hold(self) -> Callable[[], None] | None:
        return Masking(self.network, self.masks).hold if self.masks else None

    def compact(self) -> fx.GraphModule:
        """The network without the channels that its masks left empty; it answers as the masked network does."""
        if not self.masks:
            return self.network
        try:
            return shrink(self.network, by_parameter(self.masks), policy=POLICY, round_to=self.round_to).network
        except LayerCollapse as collapse:
            told = str(collapse).rstrip(".")
            raise LayerCollapse(f"{told}; a lower sparsity leaves a way through.") from None

    @property
    def zeros(self) -> float | None:
        """The part of the prunable weights that is zero; none when nothing is masked."""
        return 1 - density(self.masks) if self.masks else None


Prune = Callable[[Subject], Generator[Event, None, Pruned]]
