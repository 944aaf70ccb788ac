"""Every architecture of the house, written by both of torch's exporters, is read back as the same function."""

from __future__ import annotations

import copy
import io
import warnings
from functools import cache

import onnx
import pytest
import torch
from torch import fx, nn

from tests.worker.dnn import zoo
from worker.dnn import architectures
from worker.dnn.cost import cost
from worker.dnn.ingest.onnx import read

IN_SHAPE, CLASSES, WIDTH = (3, 32, 32), 5, 0.25


def network(name: str) -> tuple[fx.GraphModule, tuple[int, ...]]:
    """A narrow one, as if it had been trained."""
    shape = (1, 28, 28) if name == "lenet5" else IN_SHAPE
    torch.manual_seed(0)
    made = architectures.build(name, CLASSES, shape, WIDTH, seed=0)
    with torch.no_grad():
        for layer in made.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.running_mean.normal_(0, 0.1)
                layer.running_var.uniform_(0.8, 1.2)
                layer.bias.normal_(0, 0.1)
    return made.eval(), shape


class Shuffle(nn.Module):
    """As people write it: torch's older exporter does not know nn.ChannelShuffle."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, channels, height, width = x.shape
        dealt = x.view(batch, self.groups, channels // self.groups, height, width)
        return dealt.transpose(1, 2).reshape(batch, -1, height, width)


def plain(made: fx.GraphModule) -> nn.Module:
    """The same network as a module that is no graph: torch's older exporter takes `graph` for its own."""
    module = type("Plain", (nn.Module,), {"forward": type(made).forward})()
    module._modules = copy.deepcopy(made)._modules
    for name, layer in list(module.named_modules()):
        if isinstance(layer, nn.ChannelShuffle):
            module.set_submodule(name, Shuffle(layer.groups))
    return module.eval()


def exported(made: nn.Module, shape: tuple[int, ...], *, dynamo: bool) -> bytes:
    """What the exporter writes for any batch."""
    images, file = torch.randn(2, *shape), io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if not dynamo:
            torch.onnx.export(made, (images,), file, dynamo=False, input_names=["images"], dynamic_axes={"images": {0: "batch"}})
            return file.getvalue()
        shapes = ({0: torch.export.Dim("batch", max=64)},)
        program = torch.onnx.export(made, (images,), dynamo=True, dynamic_shapes=shapes, verbose=False)
    model: onnx.ModelProto = program.model_proto
    return model.SerializeToString()


@cache
def file_of(name: str, *, dynamo: bool) -> bytes:
    """The architecture's file, written once for all tests that read it: the newer exporter takes seconds."""
    made, shape = network(name)
    return exported(plain(made), shape, dynamo=dynamo)


# The newer exporter alone takes up to 10 s for a network.
WRITERS = [pytest.param(False, id="torchscript"), pytest.param(True, id="dynamo", marks=pytest.mark.slow)]


@pytest.mark.parametrize("dynamo", WRITERS)
@pytest.mark.parametrize("name", architectures.names())
def test_it_is_read_back_as_the_same_function(name: str, dynamo: bool) -> None:
    made, shape = network(name)
    found = read(file_of(name, dynamo=dynamo))
    images = zoo.images(3, torch.float32, shape)
    with torch.no_grad():
        ours, theirs = found.network(images), made(images)
    assert found.in_shape == shape and found.parity.max_relative <= 1e-4
    assert (ours - theirs).abs().max() <= 1e-5 * max(1.0, theirs.abs().max())
    assert cost(found.network, shape).macs == cost(made, shape).macs
    if dynamo:  # the older one calls layers after the modules around them, which a traced network has not
        wanted = {name for name, layer in made.named_modules() if isinstance(layer, nn.Conv2d)}
        assert wanted == {name for name, layer in found.network.named_modules() if isinstance(layer, nn.Conv2d)}


class Nested(nn.Module):
    """What people write: layers in sequences, functions in between."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        block = nn.Sequential(nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.SiLU())
        self.layer1, self.fc = nn.Sequential(block, nn.Conv2d(8, 8, 1)), nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.bn1(self.conv1(x)))
        x = nn.functional.hardswish(x + self.layer1(x))
        x = x * torch.sigmoid(x.mean((2, 3), keepdim=True))
        return self.fc(Shuffle(2)(x).mean((2, 3)))


@pytest.mark.parametrize("dynamo", WRITERS)
def test_the_names_and_the_kinds_of_a_nested_module_come_back(dynamo: bool) -> None:
    made = Nested().eval()
    found = read(exported(made, IN_SHAPE, dynamo=dynamo))
    layers = {name: type(layer).__name__ for name, layer in found.network.named_modules() if type(layer) is not nn.Module}
    weighted = {name: kind for name, kind in layers.items() if kind in ("Conv2d", "Linear")}
    assert weighted == {"conv1": "Conv2d", "layer1.0.0": "Conv2d", "layer1.1": "Conv2d", "fc": "Linear"}
    assert {"SiLU", "Hardswish", "ChannelShuffle", "AdaptiveAvgPool2d", "Sigmoid"} < set(layers.values())
    images = torch.rand(4, *IN_SHAPE)
    assert torch.allclose(found.network(images), made(images), atol=1e-5)
