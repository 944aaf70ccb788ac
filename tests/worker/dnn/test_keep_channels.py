"""Channels are removed by index, zero or not."""

from __future__ import annotations

import pytest
import torch

from tests.worker.dnn import zoo
from worker.dnn import architectures
from worker.dnn.surgery import apply_masks, free_outputs, keep_channels, shrink


def test_a_kept_list_is_the_same_as_masking_the_others() -> None:
    network = zoo.network("Chain")
    keep = torch.tensor([7, 0, 3])
    mask = torch.zeros_like(network.get_submodule("0.0").weight)
    mask[keep] = 1
    masks = {"0.0.weight": mask}
    compact = keep_channels(network, {"0.0": keep})
    assert torch.allclose(compact(zoo.images()), apply_masks(network, masks)(zoo.images()), atol=1e-10)
    assert zoo.parameters(compact) == zoo.parameters(shrink(network, masks).network)


def test_channels_keep_the_order_they_had() -> None:
    network = zoo.network("Chain")
    compact = keep_channels(network, {"0.0": torch.tensor([5, 1])})
    assert torch.equal(compact.get_submodule("0.0").weight, network.get_submodule("0.0").weight[[1, 5]])
    assert torch.equal(compact.get_submodule("0.1").running_var, network.get_submodule("0.1").running_var[[1, 5]])


def test_a_flattened_image_loses_whole_pixels_columns() -> None:
    network = zoo.network("Chain")
    compact = keep_channels(network, {"2.0": torch.tensor([0, 9])})
    columns = [*range(9), *range(81, 90)]
    assert torch.equal(compact.get_submodule("5").weight, network.get_submodule("5").weight[:, columns])


def test_a_depthwise_convolution_follows_its_producer() -> None:
    network = zoo.network("Separable")
    compact = keep_channels(network, {"up.0": torch.arange(5)})
    deep = compact.get_submodule("deep.0")
    assert (deep.in_channels, deep.out_channels, deep.groups, deep.weight.shape) == (5, 5, 5, (5, 1, 3, 3))
    assert compact(zoo.images()).shape == (3, zoo.CLASSES)


def test_coupled_layers_must_agree() -> None:
    network = zoo.network("Residual")
    with pytest.raises(ValueError, match=r"coupled with 0\.0"):
        keep_channels(network, {"0.0": torch.arange(3)})
    with pytest.raises(ValueError, match="must keep the same channels"):
        keep_channels(network, {"0.0": torch.arange(3), "1.two.0": torch.arange(1, 4)})
    compact = keep_channels(network, {"0.0": torch.arange(3), "1.two.0": torch.arange(3)})
    assert compact(zoo.images()).shape == (3, zoo.CLASSES)


@pytest.mark.parametrize("indices", [[], [8], [-1], [1, 1]])
def test_impossible_indices_are_refused(indices: list[int]) -> None:
    with pytest.raises(ValueError, match="at least one of its 8 channels"):
        keep_channels(zoo.network("Chain"), {"0.0": torch.tensor(indices, dtype=torch.int64)})


def test_the_classifier_and_unknown_layers_are_refused() -> None:
    with pytest.raises(ValueError, match="must stay"):
        keep_channels(zoo.network("Chain"), {"7": torch.arange(2)})
    with pytest.raises(ValueError, match="no layer nobody"):
        keep_channels(zoo.network("Chain"), {"nobody": torch.arange(2)})


def test_free_outputs_are_those_inside_the_blocks() -> None:
    assert free_outputs(zoo.network("Residual")) == ["1.one.0", "2.one.0", "3.one.0"]
    assert free_outputs(zoo.network("Dense")) == ["stem.0", "one.0", "two.0", "last.0"]
    assert free_outputs(zoo.network("Separable")) == ["up.0"]
    assert free_outputs(zoo.network("Grouped")) == ["2.0", "6.0"]
    assert len(free_outputs(architectures.build("resnet20"))) == 9
    assert len(free_outputs(architectures.build("vgg16"))) == 13


@pytest.mark.parametrize("name", zoo.ALL)
def test_every_free_output_can_go_alone(name: str) -> None:
    network = zoo.network(name)
    for layer in free_outputs(network):
        compact = keep_channels(network, {layer: torch.tensor([1])})
        assert compact(zoo.images()).shape == (3, zoo.CLASSES)


def test_the_mode_of_the_network_is_kept() -> None:
    network = zoo.network("Chain").train()
    assert keep_channels(network, {"0.0": torch.arange(4)}).get_submodule("0.1").training
