"""What training gets less of: wrong answers, and where asked for the distance from the uncut network and what the cut loses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn.functional import cross_entropy, kl_div, log_softmax, mse_loss

from worker.partitioning.transfer.insertion import Placed
from worker.training.hardware import chosen
from worker.training.loop import Criterion

TEMPERATURE = 2.0  # as Hinton, Vinyals and Dean (2015) soften answers; the gradient keeps its size by its square


@dataclass(frozen=True)
class Distilling:
    """`answers`: weight of the answers of the uncut network; `features`: of what is lost between the two halves."""

    answers: float = 0.0
    features: float = 0.0


@contextmanager
def criterion(placed: Placed, teacher: fx.GraphModule, wanted: Distilling) -> Iterator[Criterion | None]:
    """Cross-entropy + answers * KL + features * ||map - restored||^2 / ||map||^2; none where it is cross-entropy alone."""
    if not wanted.answers and not wanted.features:
        yield None
        return
    with _seen(placed) as seen:
        device = chosen()
        watched = teacher.to(device).eval()

        def loss(images: Tensor, answers: Tensor, labels: Tensor) -> Tensor:
            found = cross_entropy(answers, labels)
            if wanted.answers:
                with torch.no_grad():
                    taught = watched(images)
                found = found + wanted.answers * softened(answers, taught)
            return found + wanted.features * lost(seen["map"], seen["restored"]) if wanted.features else found

        yield loss


def softened(answers: Tensor, taught: Tensor) -> Tensor:
    """How far these answers are from those of the network that teaches, for a temperature."""
    ours, theirs = (log_softmax(each / TEMPERATURE, 1) for each in (answers, taught))
    return kl_div(ours, theirs, reduction="batchmean", log_target=True) * TEMPERATURE**2


def lost(given: Tensor, restored: Tensor) -> Tensor:
    """The share of the feature map that does not come back: 0 where all does, whatever its scale."""
    given = given.detach()
    return mse_loss(restored, given) / given.square().mean().clamp(min=1e-12)


@contextmanager
def _seen(placed: Placed) -> Iterator[dict[str, Tensor]]:
    """The feature map before the cut and behind it, as the last pass had them."""
    found = dict[str, Tensor]()

    def before(layer: nn.Module, given: tuple[Any, ...]) -> None:
        found["map"] = given[0]

    def behind(layer: nn.Module, given: tuple[Any, ...], answer: Tensor) -> None:
        found["restored"] = answer

    hooks = [placed.network.get_submodule(placed.first).register_forward_pre_hook(before),
             placed.network.get_submodule(placed.up).register_forward_hook(behind)]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()
