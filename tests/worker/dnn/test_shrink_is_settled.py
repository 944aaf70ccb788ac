"""What has been shrunk stays as it is, is counted right, trains and is kept in a file."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from tests.worker.dnn import zoo
from worker.dnn import files
from worker.dnn.surgery import shrink

EASY = [name for name in zoo.ALL if name != "Grouped"]


@pytest.mark.parametrize("name", zoo.ALL)
def test_shrinking_again_changes_nothing(name: str) -> None:
    network = zoo.network(name)
    once = shrink(network, zoo.filter_masks(network)).network
    twice = shrink(once, {}).network
    assert {key: tensor.shape for key, tensor in once.state_dict().items()} == {
        key: tensor.shape for key, tensor in twice.state_dict().items()
    }


@pytest.mark.parametrize("name", zoo.ALL)
def test_a_mask_of_all_ones_changes_nothing(name: str) -> None:
    network = zoo.network(name)
    masks = {key: torch.ones_like(tensor) for key, tensor in network.named_parameters() if tensor.ndim > 1}
    shrunk = shrink(network, masks)
    assert shrunk.reasons == {}
    assert all(torch.equal(tensor, shrunk.network.state_dict()[key]) for key, tensor in network.state_dict().items())


@pytest.mark.parametrize("name", EASY)
def test_its_parameters_are_those_its_widths_give(name: str) -> None:
    network = zoo.network(name)
    compact = shrink(network, zoo.filter_masks(network)).network
    assert zoo.parameters(compact) == sum(_expected(layer) for layer in compact.modules())


def _expected(layer: nn.Module) -> int:
    if isinstance(layer, nn.Conv2d):
        kernel = layer.kernel_size[0] * layer.kernel_size[1]
        bias = layer.out_channels if layer.bias is not None else 0
        return layer.in_channels // layer.groups * layer.out_channels * kernel + bias
    if isinstance(layer, nn.Linear):
        return layer.in_features * layer.out_features + layer.out_features
    if isinstance(layer, nn.BatchNorm2d):
        return 2 * layer.num_features
    return layer.num_parameters if isinstance(layer, nn.PReLU) else 0


@pytest.mark.parametrize("name", zoo.ALL)
def test_one_step_of_training_changes_its_loss(name: str) -> None:
    network = zoo.network(name)
    compact = shrink(network, zoo.filter_masks(network)).network.train()
    descent = torch.optim.SGD(compact.parameters(), lr=0.01)
    labels = torch.arange(3)
    before = nn.functional.cross_entropy(compact(zoo.images()), labels)
    before.backward()
    descent.step()
    assert nn.functional.cross_entropy(compact(zoo.images()), labels) != before
    assert all(parameter.grad is not None for parameter in compact.parameters())


@pytest.mark.parametrize("name", zoo.ALL)
def test_it_comes_back_from_a_file_without_any_architecture(name: str, tmp_path: Path) -> None:
    network = zoo.network(name)
    compact = shrink(network, zoo.filter_masks(network)).network
    files.save(compact, tmp_path / "a.safetensors", in_shape=zoo.IN_SHAPE, classes=zoo.CLASSES, name=name)
    loaded = files.load(tmp_path / "a.safetensors")
    assert torch.equal(loaded.network(zoo.images()), compact(zoo.images()))
