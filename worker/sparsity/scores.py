"""What a weight is worth: one function a criterion, each yields a score per weight, the higher the better."""

from __future__ import annotations

from collections.abc import Mapping
from zlib import crc32

import torch

Scores = dict[str, torch.Tensor]


def magnitude(weights: Mapping[str, torch.Tensor]) -> Scores:
    return {name: weight.detach().abs() for name, weight in weights.items()}


def random(weights: Mapping[str, torch.Tensor], seed: int) -> Scores:
    """Uniform noise; a layer's draw depends on its name and the seed, not on which layers stand before it."""
    return {name: torch.rand(weight.shape, generator=_generator(name, seed), dtype=torch.float64)
            for name, weight in weights.items()}


def inverted(scores: Scores) -> Scores:
    return {name: -score for name, score in scores.items()}


def shuffled(masks: Mapping[str, torch.Tensor], seed: int) -> dict[str, torch.Tensor]:
    """As many of each layer, but drawn by lot."""
    mixed = {name: torch.randperm(mask.numel(), generator=_generator(name, seed)) for name, mask in masks.items()}
    return {name: mask.flatten()[mixed[name]].view(mask.shape) for name, mask in masks.items()}


def _generator(name: str, seed: int) -> torch.Generator:
    # Torch's generator reads 32 bits of a seed, so name and seed are folded into as many.
    return torch.Generator().manual_seed(crc32(f"{seed}:{name}".encode()))
