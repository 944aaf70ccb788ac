"""What a network costs without some channels is known before they are cut, and it answers as if they were."""

from __future__ import annotations

import copy
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import fx, nn

from tests.worker.dnn import random_networks, zoo
from worker.dnn import architectures
from worker.dnn.cost import cost
from worker.dnn.form import trace
from worker.dnn.shapes import Shape
from worker.dnn.surgery.groups import Groups
from worker.dnn.surgery.streams import Flags


def positions(network: fx.GraphModule, groups: Groups, shape: Shape) -> Mapping[str, float]:
    macs = {layer.name: layer.macs for layer in cost(network, shape).layers}
    weights = {each.name: network.get_submodule(each.name).weight for each in groups.members if each.kernel}
    return {name: macs[name] / weight.numel() for name, weight in weights.items()}


def some(groups: Groups, seed: int, share: float = 0.5) -> Flags:
    dice = np.random.default_rng(seed)
    return groups.completed(dice.random(groups.found.count) < share, dice.random(groups.found.count))


def check(network: fx.GraphModule, shape: Shape, seed: int) -> None:
    groups, pictures = Groups(network), zoo.images(2, shape=shape)
    alive, silent = some(groups, seed), copy.deepcopy(network)
    groups.silence(silent, alive)
    params = groups.params(alive)
    small = groups.cut(alive).network
    assert params == cost(small, shape).params
    expected = silent(pictures).detach()
    assert float((small(pictures).detach() - expected).abs().max()) <= 1e-10 * max(1.0, float(expected.abs().max()))


@pytest.mark.parametrize("name", architectures.names())
def test_for_every_architecture(name: str) -> None:
    check(zoo.lived_in(architectures.build(name, seed=2, width=0.25).double()), (3, 32, 32), 3)


@pytest.mark.parametrize("name", architectures.names())
def test_multiply_accumulates_are_known_before_the_cut(name: str) -> None:
    network = architectures.build(name, seed=2, width=0.25)
    groups = Groups(network)
    alive = some(groups, 5)
    known = groups.macs(positions(network, groups, (3, 32, 32)))(alive)
    assert known == cost(groups.cut(alive).network, (3, 32, 32)).macs


@pytest.mark.parametrize("name", zoo.ALL)
def test_for_every_kind_of_coupling(name: str) -> None:
    check(zoo.network(name), zoo.IN_SHAPE, 4)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 1 << 32))
def test_for_random_networks(seed: int) -> None:
    check(random_networks.network(seed), random_networks.IN_SHAPE, seed)


@pytest.mark.parametrize("name", ["resnet20", "mobilenet_v2", "resnext50", "densenet121", "vgg11"])
def test_a_channel_costs_what_goes_with_it(name: str) -> None:
    network = architectures.build(name, seed=2, width=0.25)
    groups = Groups(network)
    costs, whole, tried = groups.costs(groups.all), groups.params(groups.all), 0
    for channel in np.flatnonzero(groups.removable())[::7]:
        alive = groups.all.copy()
        alive[channel] = False
        if np.array_equal(groups.completed(alive, costs), alive):  # else others have to go with it
            assert whole - groups.params(alive) == pytest.approx(costs[channel])
            tried += 1
    assert tried


def test_a_channel_is_worth_the_scores_of_all_layers_that_make_it() -> None:
    network = architectures.build("resnet20", seed=2)
    groups = Groups(network)
    ones = {each.name: torch.ones_like(network.get_submodule(each.name).weight) for each in groups.members if each.kernel}
    worth = groups.worth(ones)
    stem = next(each.writes for each in groups.members if each.name == "conv1")
    assert stem is not None
    makers = groups.makers(stem[:1])
    assert len(makers) == 4  # the stem and the last layer of each of the three blocks of the first stage
    assert worth[stem[0]] == sum(ones[name][0].numel() for name in makers)


def test_cells_hold_what_may_stand_in_for_each_other() -> None:
    groups = Groups(trace(nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU(), nn.Conv2d(8, 6, 1, groups=2), nn.Conv2d(6, 2, 1))))
    assert sorted(map(len, groups.cells())) == [3, 3, 4, 4]
    assert [groups.makers(cell) for cell in groups.cells()].count(["0"]) == 2


def test_no_layer_loses_its_last_channel() -> None:
    groups = Groups(architectures.build("resnet20", seed=2))
    none = np.zeros(groups.found.count, dtype=np.bool_)
    small = groups.cut(groups.completed(none, np.ones(groups.found.count), min_channels=3))
    assert {len(kept) for name, kept in small.kept.items() if name != "fc"} == {3}
