"""Gradient checkpointing gives the gradients of back-propagation to the bit, and batch-norm sees each batch once."""

from __future__ import annotations

import copy

import pytest
import torch

from worker.dnn import architectures
from worker.dnn.units import NoUnits
from worker.training import checkpointed
from worker.training.limits import Limits
from worker.training.settings import Settings
from worker.training.stepping import WholeLearner

SHAPE = (3, 16, 16)


@pytest.fixture(scope="module")
def network() -> torch.fx.GraphModule:
    torch.set_num_threads(1)
    return architectures.build("resnet20", 10, SHAPE, width=0.25, seed=3).train()


def test_weights_and_statistics_after_three_steps_are_those_of_plain_training(network: torch.fx.GraphModule) -> None:
    plain, saving = copy.deepcopy(network), copy.deepcopy(network)
    learners = [WholeLearner(each, Settings(1), Limits(way=way))
                for each, way in ((plain, None), (saving, checkpointed.way(SHAPE)))]
    for step in range(3):
        images = torch.randn(6, *SHAPE, generator=torch.Generator().manual_seed(step))
        for learner in learners:
            learner.step(images, torch.arange(6))
    one, other = plain.state_dict(), saving.state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert {int(count) for name, count in other.items() if name.endswith("num_batches_tracked")} == {3}


def test_dropout_is_drawn_again_as_it_was() -> None:
    network = torch.fx.symbolic_trace(torch.nn.Sequential(*(layer for _ in range(4) for layer in (
        torch.nn.Linear(16, 16), torch.nn.ReLU(), torch.nn.Dropout(0.5))), torch.nn.Linear(16, 10)))
    other = copy.deepcopy(network)
    images = torch.randn(6, 16)
    for each, way in ((network, None), (other, checkpointed.way((16,)))):
        torch.manual_seed(1)
        WholeLearner(each.train(), Settings(1), Limits(way=way)).step(images, torch.arange(6))
    assert all(torch.equal(*pair) for pair in zip(network.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize(("name", "count"), [("vgg16", 4), ("resnet18", 3), ("lenet5", 2)])
def test_there_are_about_as_many_segments_as_the_root_of_the_units(name: str, count: int) -> None:
    shape = (3, 32, 32)
    assert len(checkpointed.segments(architectures.outline(name, 10, shape), shape)) == count


def test_a_network_without_units_is_refused() -> None:
    lonely = torch.fx.symbolic_trace(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(768, 10)))
    with pytest.raises(NoUnits, match="no place"):
        checkpointed.way(SHAPE)(lonely)
