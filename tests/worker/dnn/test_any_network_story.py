"""Somebody's network from its ONNX file to a smaller one: read, given batch-norm, cut to half, trained, written, run.

Every architecture as each of torch's two exporters writes it, narrow and for small images.
"""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import fx, nn

from tests.worker.dnn.onnx.test_onnx_of_architectures import CLASSES, file_of
from worker.context import Context
from worker.datasets import Data
from worker.datasets.data import Part
from worker.dnn import architectures
from worker.dnn.cost import cost
from worker.dnn.export import to_onnx
from worker.dnn.ingest.onnx import read
from worker.dnn.ingest.restoring import restorable, restore_batchnorm
from worker.dnn.shapes import Shape, output_shape
from worker.dnn.surgery.choosing import prune_channels
from worker.events import Metric
from worker.training.loop import train
from worker.training.settings import Settings

COUNT = 16
# What is left of the parameters when half of the channels go: a quarter of most layers, half of the first and the last.
# ConvNeXt's layer-norms need all channels of the image; only those in between go.
MOST_LEFT = {"convnext_tiny": 0.6, "shufflenet_v2": 0.4}


def made_up(shape: Shape) -> Data:
    """Noise, brighter from class to class."""
    labels = torch.arange(COUNT) % CLASSES
    noise = torch.randint(0, 128, (COUNT, *shape), generator=torch.Generator().manual_seed(1))
    part = Part((noise + 25 * labels.view(-1, 1, 1, 1)).to(torch.uint8), labels)
    grey = (0.4,) * shape[0]
    names = tuple(map(str, range(CLASSES)))
    return Data("made up", shape, CLASSES, names, grey, grey, "rgb", {"train": part, "validation": part, "test": part})


def trained(network: fx.GraphModule, shape: Shape, folder: Path) -> list[float | None]:
    """The losses of one epoch."""
    settings = Settings(epochs=1, batch_size=COUNT // 2, learning_rate=0.01)
    events = train(network.train(), made_up(shape), settings, variant="half", checkpoints=Context(folder).checkpoints)
    return [event.value for event in events if isinstance(event, Metric) and event.name == "loss"]


@pytest.mark.slow
@pytest.mark.parametrize("dynamo", [False, True], ids=["torchscript", "dynamo"])
@pytest.mark.parametrize("name", architectures.names())
def test_read_cut_trained_written_and_run(name: str, dynamo: bool, tmp_path: Path) -> None:
    found = read(file_of(name, dynamo=dynamo))
    whole, shape = found.network, found.in_shape
    if restorable(whole):
        whole = restore_batchnorm(whole)
    half = prune_channels(whole, 0.5).network
    before, after = cost(whole, shape), cost(half, shape)
    assert 0.2 * before.params < after.params < MOST_LEFT.get(name, 0.32) * before.params
    assert after.macs < 0.6 * before.macs and output_shape(half, shape) == (CLASSES,)

    weights = {key: value.clone() for key, value in half.named_parameters()}
    losses = trained(half, shape, tmp_path)
    assert len(losses) == 1 and losses[0] is not None and losses[0] < 10 * math.log(CLASSES)
    assert all(bool(torch.isfinite(tensor).all()) for tensor in half.state_dict().values())
    stayed = [key for key, value in half.named_parameters() if value.ndim > 1 and torch.equal(value, weights[key])]
    assert stayed == []

    parity = to_onnx(half.eval(), shape, tmp_path / "half.onnx")
    assert parity.max_relative < 1e-4 and (tmp_path / "half.onnx").stat().st_size > 4 * after.params
    assert any(isinstance(layer, nn.Conv2d) for layer in half.modules())
