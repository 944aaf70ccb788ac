"""Random networks of every kind of layer, random masks: the compact network answers like the masked one."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, fx, nn

from tests.worker.dnn import random_networks, zoo
from worker.dnn import architectures
from worker.dnn.shapes import output_shape
from worker.dnn.spec import from_spec, name_of, to_spec
from worker.dnn.surgery import LayerCollapse, Policy, apply_masks, prune_channels, shrink
from worker.dnn.surgery.channels import channels
from worker.dnn.surgery.draft import drafted
from worker.dnn.surgery.mixing import TRANSPOSED, mixes

LIMITS = {torch.float32: 1e-5, torch.float64: 1e-10}
SEEDS = st.integers(0, 1 << 32)


def differ(one: Tensor, other: Tensor) -> float:
    """The largest difference, relative to the largest answer where that is above 1."""
    return float((one - other).abs().max() / max(1.0, float(other.abs().max())))


def images(dtype: torch.dtype) -> Tensor:
    return zoo.images(3, dtype, random_networks.IN_SHAPE)


drawn = given(
    seed=SEEDS, dead=st.sampled_from([0.1, 0.4, 0.7]), density=st.sampled_from([0.2, 0.6, 1.0]),
    policy=st.sampled_from(["mask_affine", "exact"]), round_to=st.sampled_from([1, 1, 4]),
)


@settings(max_examples=50, deadline=None)
@drawn
def test_a_compact_network_answers_like_the_masked_one(
    seed: int, dead: float, density: float, policy: Policy, round_to: int
) -> None:
    check(seed, torch.float64, dead, density, policy, round_to)


# The same networks each time: a random one in a thousand may cancel large numbers, which single precision shows.
@settings(max_examples=25, deadline=None, derandomize=True)
@drawn
def test_so_it_does_in_single_precision(seed: int, dead: float, density: float, policy: Policy, round_to: int) -> None:
    check(seed, torch.float32, dead, density, policy, round_to)


def check(seed: int, dtype: torch.dtype, dead: float, density: float, policy: Policy, round_to: int) -> None:
    network = random_networks.network(seed, dtype)
    masks = random_networks.masks(network, seed, dead, density)
    expected = apply_masks(network, masks, policy)(images(dtype)).detach()
    try:
        compact = shrink(network, masks, policy=policy, round_to=round_to).network
    except LayerCollapse:
        assert differ(expected, expected[:1].expand_as(expected)) <= LIMITS[dtype]
        return
    assert differ(compact(images(dtype)).detach(), expected) <= LIMITS[dtype]
    assert output_shape(compact, random_networks.IN_SHAPE) == tuple(expected.shape[1:])
    assert to_spec(from_spec(to_spec(compact))) == to_spec(compact)


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, keep=st.sampled_from([0.25, 0.5, 0.8]), round_to=st.sampled_from([1, 1, 2]))
def test_what_is_left_of_a_choice_is_the_network_whose_readers_do_not_see_the_rest(seed: int, keep: float, round_to: int) -> None:
    network = random_networks.network(seed)
    shrunk = prune_channels(network, keep, round_to=round_to)
    assume(zoo.parameters(shrunk.network) < zoo.parameters(network))
    expected = blinkered(network, shrunk.kept)(images(torch.float64)).detach()
    assert differ(shrunk.network(images(torch.float64)).detach(), expected) <= LIMITS[torch.float64]


@torch.no_grad()
def blinkered(network: fx.GraphModule, kept: dict[str, Tensor]) -> fx.GraphModule:
    """The network as wide as it was, its layers without weights on the channels that are not kept."""
    blind = drafted(network)
    found = channels(blind)
    alive = np.ones(found.count, dtype=np.bool_)
    for node in blind.graph.nodes:
        if name_of(node) in kept and node.name in found.writes:
            gone = np.setdiff1d(np.arange(len(found.writes[node.name])), kept[name_of(node)].numpy())
            alive[found.writes[node.name][gone]] = False
    for node in blind.graph.nodes:
        layer = blind.layer(node)
        if mixes(layer) and node.name in found.reads:
            sight = torch.from_numpy(alive[found.reads[node.name]]).to(layer.weight)
            layer.weight = nn.Parameter(layer.weight * seen(layer, sight))
    return blind.finished(training=False)


def seen(layer: nn.Module, sight: Tensor) -> Tensor:
    """A factor for each weight: whether the input that it stands on is seen."""
    kernel = [1] * (layer.weight.ndim - 2)
    if isinstance(layer, TRANSPOSED):
        return sight.view(-1, 1, *kernel)
    if isinstance(layer, nn.Linear) or layer.groups == 1:
        return sight.view(1, -1, *kernel)
    return sight.view(layer.groups, -1).repeat_interleave(layer.out_channels // layer.groups, 0).unflatten(1, (-1, *kernel))


@pytest.mark.parametrize("name", architectures.names())
def test_every_architecture_can_be_cut_to_half_its_channels(name: str) -> None:
    network = zoo.lived_in(architectures.build(name, seed=2, width=0.25).double())
    shrunk = prune_channels(network, 0.5)
    pictures = zoo.images(2, shape=(3, 32, 32))
    expected = blinkered(network, shrunk.kept)(pictures).detach()
    assert differ(shrunk.network(pictures).detach(), expected) <= LIMITS[torch.float64]
    least = 1.4 if name.startswith("convnext") else 2.5  # its norms hold half of its channels
    assert zoo.parameters(network) / zoo.parameters(shrunk.network) > least


@pytest.mark.parametrize(
    "name", ["alexnet", "densenet121", "googlenet", "mobilenet_v2", "resnet20", "resnet50", "resnext50", "vgg11"])
def test_where_silent_channels_are_zero_it_is_the_network_with_the_others_filters_masked(name: str) -> None:
    network = zoo.lived_in(architectures.build(name, seed=2, width=0.25).double())
    shrunk = prune_channels(network, 0.5)
    masks = {}
    for layer, kept in shrunk.kept.items():
        masks[f"{layer}.weight"] = torch.zeros_like(network.get_submodule(layer).weight)
        masks[f"{layer}.weight"][kept] = 1
    pictures = zoo.images(2, shape=(3, 32, 32))
    expected = apply_masks(network, masks)(pictures).detach()
    assert differ(shrunk.network(pictures).detach(), expected) <= LIMITS[torch.float64]
