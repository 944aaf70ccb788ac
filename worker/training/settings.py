"""How a network is trained: everything that, with the seed, decides the outcome."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from worker.training.augmentation import Augment
from worker.training.rates import Rates

Optimiser = Literal["sgd", "adam"]


@dataclass(frozen=True)
class Settings:
    """One training. The learning rate falls from `learning_rate` to zero along half a cosine.
    `live` is asked once an epoch for the learning rate that a person wants now; a change falls to zero from there on.
    `follow` sets the rates of another training instead, so that like is compared with like.

    A gradient longer than `clip_norm` is shortened to it (0: never): narrow networks without batch-norm die otherwise,
    all their rectifiers shut after one large step.

    `augment` changes the images that are trained on, anew each epoch, and no others.
    """

    epochs: int
    batch_size: int = 128
    learning_rate: float = 0.05
    optimiser: Optimiser = "sgd"
    momentum: float = 0.9
    weight_decay: float = 5e-4
    clip_norm: float = 1.0
    seed: int = 7
    augment: Augment = "none"
    live: Callable[[], float] | None = None
    follow: Rates | None = None
