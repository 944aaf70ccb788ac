"""A pass with clocks in it answers as the network does, and its instants enclose all that the pass took."""

from __future__ import annotations

import itertools

import torch

from worker.dnn import architectures
from worker.dnn.describe import describe
from worker.profiling.blocks import borders
from worker.profiling.parting import _marked, stamped

SHAPE = (3, 32, 32)


def test_one_instant_a_block_and_one_at_the_end() -> None:
    network = architectures.build("mobilenet_v2", seed=1).eval()
    after = [cut.after for cut in borders(describe(network, SHAPE), "layers")]
    once = stamped(network, after, torch.rand(1, *SHAPE))
    stamps = once()
    assert len(stamps) == len(after) + 2 == len(once())
    assert stamps == sorted(stamps)


def test_a_block_lasts_until_the_next_one_begins() -> None:
    ticks = itertools.count(100, 7)
    once = stamped(architectures.build("lenet5", seed=1).eval(), ["relu1", "pool1"], torch.rand(1, *SHAPE), lambda: next(ticks))
    assert once() == [100, 107, 114, 121]
    assert once() == [128, 135, 142, 149]


def test_the_clock_stands_behind_the_layer_and_before_the_next_one() -> None:
    network = architectures.build("googlenet", seed=1).eval()
    after = [cut.after for cut in borders(describe(network, SHAPE))]
    ran, ends = list[str](), list[str]()
    for name, layer in network.named_modules():
        layer.register_forward_hook(lambda *_, name=name: ran.append(name))
    images = torch.rand(1, *SHAPE)
    answer = _marked(network, set(after), lambda: ends.append(ran[-1]))(images)
    assert torch.equal(answer, network(images))
    layers = [name for name in after if name in dict(network.named_modules())]
    assert [name for name in ends if name in after] == layers and len(ends) == len(after)


def test_the_network_itself_has_no_clock_in_it() -> None:
    network = architectures.build("lenet5", seed=1).eval()
    before = [node.name for node in network.graph.nodes]
    stamped(network, ["relu1"], torch.rand(1, *SHAPE))()
    assert [node.name for node in network.graph.nodes] == before
