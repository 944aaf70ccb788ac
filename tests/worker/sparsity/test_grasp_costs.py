"""What GraSP is said to cost is what it multiplies, held against passes forwards and backwards of the same images."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from worker.dnn import architectures
from worker.sparsity.gradients import grasp, snip
from worker.sparsity.masks import prunable


def multiplied(work: Callable[[], object]) -> int:
    with FlopCounterMode(display=False) as counter:
        work()
    return int(counter.get_total_flops())


@pytest.mark.parametrize(("sizes", "passes"), [([8], 3), ([4, 4], 4)])
def test_one_batch_costs_three_passes_and_several_cost_four(sizes: list[int], passes: int) -> None:
    network = architectures.build("resnet20", width=0.25, seed=3)
    weights, images, labels = prunable(network), torch.randn(8, 3, 32, 32), torch.arange(8)
    batches = list(zip(images.split(sizes), labels.split(sizes), strict=True))
    one = multiplied(lambda: snip(network, weights, batches))
    assert multiplied(lambda: grasp(network, weights, batches)) / one == pytest.approx(passes, rel=0.02)
