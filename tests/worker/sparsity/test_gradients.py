"""Both scores from gradients can be had of every architecture of the house."""

from __future__ import annotations

import pytest
import torch

from worker import architectures as listed
from worker.dnn import architectures
from worker.sparsity.gradients import grasp, snip
from worker.sparsity.masks import prunable

SHAPE = (3, 32, 32)


@pytest.mark.parametrize("name", listed.names())
def test_every_architecture_is_scored_by_snip_and_by_grasp(name: str) -> None:
    network = architectures.build(name, 10, SHAPE, width=0.125, seed=3)
    images = torch.randn(4, *SHAPE, generator=torch.Generator().manual_seed(1))
    weights = prunable(network)
    for scores in (score(network, weights, [(images, torch.arange(4))]) for score in (snip, grasp)):
        assert scores.keys() == weights.keys()
        assert all(bool(score.isfinite().all()) for score in scores.values())
        # A gate two channels wide may be dead at these weights; no network has many of them.
        assert sum(not bool(score.any()) for score in scores.values()) <= 2
