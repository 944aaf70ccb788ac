"""What a pruning method hands over: the network to train on, the masks to keep, and how to make it small."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field

from torch import fx

from worker.dnn.surgery import LayerCollapse, shrink
from worker.events import Event
from worker.sparsity.masking import POLICY, Masking
from worker.sparsity.masks import Masks, by_parameter, density


@dataclass(frozen=True)
class Pruned:
    """`density` is said by layer. Without masks the network is dense inside and already as small as it gets.
    `redrawn`: the method drew weights afresh, so whatever training had taught the network is lost.
    `untouched`: why a method that narrows layers narrowed none.
    """

    network: fx.GraphModule
    density: dict[str, float]
    masks: Masks = field(default_factory=dict)
    round_to: int = 1
    redrawn: bool = False
    untouched: str = ""

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


Prune = Callable[[fx.GraphModule], Generator[Event, None, Pruned]]
