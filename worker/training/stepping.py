"""One step of training a whole network: forwards, backwards, a little against the gradient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from worker.training.limits import Limits
from worker.training.memory.living import tensors_of
from worker.training.settings import Settings

Hold = Callable[[], None]
# The loss of a batch: of its images, of what the network answered, of its labels.
Criterion = Callable[[Tensor, Tensor, Tensor], Tensor]


def wrong(images: Tensor, answers: Tensor, labels: Tensor) -> Tensor:
    return cross_entropy(answers, labels)


def nothing() -> None:
    pass


@dataclass
class WholeLearner:
    """`hold` is called after the backward pass and after the step. Limited, the network may be run another way than plainly, and
    weights are stepped one at a time: torch's way for all at once needs another copy of every gradient on a GPU."""

    network: torch.nn.Module
    settings: Settings
    limits: Limits | None = None
    criterion: Criterion = wrong
    hold: Hold = nothing
    optimiser: torch.optim.Optimizer = field(init=False)

    def __post_init__(self) -> None:
        self.weights = [weight for weight in self.network.parameters() if weight.requires_grad]
        self.foreach = False if self.limits else None
        self.optimiser = optimiser_of(self.weights, self.settings, self.foreach)
        self.forward = self.limits.way(self.network) if self.limits and self.limits.way else self.network

    def tensors(self) -> list[Tensor]:
        """All that is there before a step: the gradients of the last one too."""
        state = [value for each in self.optimiser.state.values() for value in each.values() if isinstance(value, Tensor)]
        gradients = [weight.grad for weight in self.weights if weight.grad is not None]
        return [*tensors_of(self.network), *state, *gradients]

    def step(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """The mean loss, and how many answers were right."""
        self.optimiser.zero_grad(set_to_none=True)
        answers = self.forward(images)
        loss = self.criterion(images, answers, labels)
        loss.backward()  # type: ignore[no-untyped-call]
        self.hold()  # gradients of what is pruned would make those of the rest shorter below
        if self.settings.clip_norm:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.settings.clip_norm, foreach=self.foreach)
        self.optimiser.step()
        self.hold()
        return loss.detach(), (answers.detach().argmax(1) == labels).sum()


def optimiser_of(weights: Sequence[Tensor], settings: Settings, foreach: bool | None = None) -> torch.optim.Optimizer:
    """SGD with momentum or Adam; `foreach` as torch has it."""
    if settings.optimiser == "adam":
        return torch.optim.Adam(weights, lr=settings.learning_rate, weight_decay=settings.weight_decay, foreach=foreach)
    return torch.optim.SGD(weights, lr=settings.learning_rate, momentum=settings.momentum,
                           weight_decay=settings.weight_decay, foreach=foreach)
