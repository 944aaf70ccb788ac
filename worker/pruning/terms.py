"""On which terms a pruned network is trained and compared: the same for every method, so that methods can be compared."""

from __future__ import annotations

from dataclasses import dataclass, replace

from worker.profiling.opening import Start
from worker.training.settings import Settings


@dataclass(frozen=True)
class Terms:
    """`training` counts the epochs after pruning, `warm_up` those of the whole network before it.

    `recalibrate`: training batches whose batch-norm statistics replace the network's after pruning; 0 keeps them.
    `compact`: channels that a mask left empty are removed from what is measured and kept.
    `reference`: a dense network that starts untrained is trained as long, so that like is compared with like.
    """

    training: Settings
    start: Start = "given"
    warm_up: int = 0
    recalibrate: int = 0
    compact: bool = True
    reference: bool = True
    latency_batch: int = 1

    @property
    def whole(self) -> Settings:
        """Warm-up and training after pruning as one: the learning rate falls over both."""
        return replace(self.training, epochs=self.warm_up + self.training.epochs)
