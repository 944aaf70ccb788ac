"""What single weights are worth, where a method makes widths of it: one criterion, asked again and again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from torch import fx

from worker.datasets import Data
from worker.dnn.shapes import Shape
from worker.dnn.spec import module_at
from worker.sparsity import gradients, scores
from worker.sparsity.scores import Scores
from worker.sparsity.scoring import ScoringSet, balanced
from worker.sparsity.synflow import synflow
from worker.training.hardware import chosen

Criterion = Literal["magnitude", "snip", "synflow"]


@dataclass(frozen=True)
class Weighing:
    """`in_shape`: of the ones that SynFlow sends in. `batches`: the images that SNIP looks at, of `of` in the training part."""

    criterion: Criterion = "magnitude"
    in_shape: Shape = ()
    batches: ScoringSet | None = None
    of: int = 1

    def scores(self, network: fx.GraphModule, names: Iterable[str]) -> Scores:
        """A score for each weight of the named layers, as the network's weights are now."""
        layers = list(names)
        if self.criterion == "synflow":
            return synflow(network, layers, self.in_shape, device=chosen())
        if self.criterion == "snip":
            assert self.batches is not None
            return gradients.snip(network, layers, self.batches)
        return scores.magnitude({name: module_at(network, name).weight for name in layers})  # type: ignore[misc]

    def spent(self, times: int) -> float:
        """What so many times cost, in epochs of the training part."""
        return times * self.batches.images / max(1, self.of) if self.batches is not None else 0.0


def weighing(criterion: Criterion, data: Data, *, per_class: int, seed: int) -> Weighing:
    """`per_class`: how many images of each class are drawn for SNIP; the others look at none."""
    batches = balanced(data, per_class, seed=seed, device=chosen()) if criterion == "snip" else None
    return Weighing(criterion, data.in_shape, batches, len(data.parts["train"].labels))
