"""A unit and its exit on the way through a training: the loss is the exit's, the gradient ends at the unit's input."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, fx
from torch.nn.functional import cross_entropy

from worker.training.memory.living import tensors_of
from worker.training.settings import Settings
from worker.training.stepping import optimiser_of


@dataclass(frozen=True)
class Stepped:
    """What a step came to: the mean loss, how many were right, and the unit's result for the next one, without its past."""

    loss: Tensor
    right: Tensor
    result: Tensor


class UnitLearner:
    """`unit` and `head` learn together, by an optimiser of their own."""

    def __init__(self, unit: fx.GraphModule, head: fx.GraphModule, settings: Settings) -> None:
        self.unit, self.head, self.settings = unit, head, settings
        self.weights = [weight for module in (unit, head) for weight in module.parameters() if weight.requires_grad]
        # One weight at a time: torch's way for all at once would need another copy of every gradient.
        self.optimiser = optimiser_of(self.weights, settings, foreach=False)

    def tensors(self) -> list[Tensor]:
        """All that stays between two steps."""
        state = [value for each in self.optimiser.state.values() for value in each.values() if isinstance(value, Tensor)]
        return [*tensors_of(self.unit, self.head), *state]

    def step(self, images: Tensor, labels: Tensor) -> Stepped:
        """Forwards, backwards, one step; its gradients are gone when it returns, so that one unit's live at a time."""
        result = self.unit(images)
        answers = self.head(result)
        loss = cross_entropy(answers, labels)
        loss.backward()  # type: ignore[no-untyped-call]
        if self.settings.clip_norm:
            torch.nn.utils.clip_grad_norm_(self.weights, self.settings.clip_norm, foreach=False)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        return Stepped(loss.detach(), (answers.detach().argmax(1) == labels).sum(), _alone(result.detach()))

    def rate(self, rate: float) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = rate

    def train(self, mode: bool = True) -> None:
        self.unit.train(mode)
        self.head.train(mode)


def _alone(result: Tensor) -> Tensor:
    """In plain order and in a storage of its own, as the next unit's step was rehearsed: in another order some operations copy
    it, and a part of something larger, as a crop is, would keep all of that alive."""
    plain = result.contiguous()
    own = plain.numel() * plain.element_size()
    return plain.clone() if plain.untyped_storage().nbytes() > own else plain
