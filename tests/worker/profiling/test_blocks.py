"""Blocks end at valid cuts; together they hold all of the network, and in a row they answer as it does."""

from __future__ import annotations

import pytest
import torch

from worker.dnn import architectures
from worker.dnn.cost import cost
from worker.dnn.describe import describe
from worker.partitioning.transfer.insertion import inserted
from worker.partitioning.transfer.layers import Halves
from worker.partitioning.transfer.rounding import Range, restoring, rounding, settled
from worker.profiling.blocks import borders, parts
from worker.profiling.parting import chained
from worker.structure import Structure

SHAPE = (3, 32, 32)
NAMES = ["lenet5", "vgg11", "resnet20", "mobilenet_v2", "googlenet", "densenet121", "squeezenet"]


def known(name: str) -> Structure:
    return describe(architectures.outline(name), SHAPE)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("most", [1, 3])
def test_together_the_blocks_hold_every_layer_once(name: str, most: int) -> None:
    found, network = known(name), architectures.outline(name)
    total = cost(network, SHAPE)
    for grain in ("blocks", "layers"):
        made = parts(found, borders(found, grain, most))  # type: ignore[arg-type]
        assert sum(part.macs for part in made) == total.macs == sum(sum(part.kinds.values()) for part in made)
        assert sum(part.params_bytes for part in made) == 4 * total.params
        assert (made[0].first, made[-1].last) == (total.layers[0].name, total.layers[-1].name)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("grain", ["blocks", "layers"])
def test_what_is_alive_in_the_fullest_block_is_what_the_whole_network_needs(name: str, grain: str) -> None:
    found = known(name)
    made = parts(found, borders(found, grain))  # type: ignore[arg-type]
    alive = [part.alive_bytes(1) or 0 for part in made]
    assert max(alive) == cost(architectures.outline(name), SHAPE).activation_bytes
    assert all(each >= part.output_bytes for each, part in zip(alive, made, strict=True))


def test_more_tensors_across_give_more_cuts_and_single_layers_more_than_blocks() -> None:
    found = known("googlenet")
    counts = [len(borders(found, "layers", most)) for most in (1, 2, 4)]
    assert counts == sorted(counts) and counts[0] < counts[-1]
    assert len(borders(found, "blocks")) < counts[0]
    assert max(part.output_tensors or 0 for part in parts(found, borders(found, "layers", 4))) == 4


def test_what_only_passes_numbers_on_stays_with_the_layer_before_it() -> None:
    names = [part.name for part in parts(known("resnet20"), borders(known("resnet20")))]
    assert names[0] == "conv1 .. relu1"
    assert not [name for name in names if name.startswith(("bn", "relu", "flatten"))]


@pytest.mark.parametrize("name", NAMES)
def test_every_border_is_a_valid_cut_with_its_bytes(name: str) -> None:
    found = known(name)
    valid = {cut.after: cut.bytes for cut in found.parted(1)}
    made = parts(found, borders(found))
    assert [part.output_bytes for part in made[:-1]] == [valid[part.last] for part in made[:-1]]
    assert {part.output_tensors for part in made} == {1}
    assert made[-1].output_bytes == 4 * found.out_shape[0]


@pytest.mark.parametrize("name", ["lenet5", "resnet20", "mobilenet_v2", "googlenet"])
def test_the_blocks_in_a_row_answer_exactly_as_the_whole(name: str) -> None:
    network, images = architectures.build(name, seed=1).eval(), torch.rand(2, *SHAPE)
    found = describe(network, SHAPE)
    slices = list(chained(network, SHAPE, [cut.after for cut in borders(found)]))
    value = images
    for part in slices:
        assert tuple(value.shape[1:]) == part.in_shape
        value = part.network(value)
    assert torch.equal(value, network(images)) and len(slices) == len(borders(found)) + 1
    assert sum(cost(*part).macs for part in slices) == found.macs


def test_depthwise_convolutions_are_a_kind_of_their_own() -> None:
    kinds = [part.kinds for part in parts(known("mobilenet_v2"), borders(known("mobilenet_v2")))]
    assert {kind for each in kinds for kind in each} == {"conv", "depthwise", "linear"}


@pytest.mark.parametrize("grain", ["blocks", "layers"])
def test_a_block_ends_where_whole_numbers_go_across_and_counts_a_byte_for_each(grain: str) -> None:
    scale = Range(torch.tensor(-1.0), torch.tensor(1.0))
    placed = inserted(architectures.outline("lenet5"), SHAPE, "pool1", Halves(rounding(scale, 3), restoring(scale, 3)))
    settled(placed.network)
    found = describe(placed.network, SHAPE)
    sent = {part.last: part.output_bytes for part in parts(found, borders(found, grain))}  # type: ignore[arg-type]
    pooled = 6 * 14 * 14
    assert sent[placed.down] == pooled
    assert sent[placed.up] == 4 * pooled
