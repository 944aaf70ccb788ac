"""A training may start from initialisation with batch-norm given back to a network that came with it folded."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from torch import nn

from worker.context import Context, DatasetInput, ModelInput
from worker.datasets import Data
from worker.dnn import architectures, files
from worker.dnn.fold import fold_batchnorm
from worker.events import Log
from worker.profiling.opening import Opened, opened


def kept(folder: Path, data: Data, *, folded: bool) -> Path:
    network = architectures.build("resnet20", data.classes, data.in_shape, 0.25, seed=0).eval()
    network = fold_batchnorm(network, data.in_shape) if folded else network
    files.save(network, folder / "net.safetensors", in_shape=data.in_shape, classes=data.classes, name="net", trained=True)
    return folder / "net.safetensors"


def context(tmp_path: Path, digits: Data, *, folded: bool) -> Context:
    given = {"model": ModelInput("net", file=kept(tmp_path, digits, folded=folded)), "dataset": DatasetInput("digits")}
    return Context(tmp_path / "run", given)


def test_the_network_has_batch_norm_again_and_weights_drawn_by_the_seed(tmp_path: Path, digits: Data) -> None:
    said, found = list[Log](), list[Opened]()

    def run() -> Iterator[Log]:
        found.append((yield from opened(context(tmp_path, digits, folded=True), "restored")))

    said.extend(run())
    assert said[-1].message == "21 convolutions were given batch-norm again."
    norms = [layer for layer in found[0].network.modules() if isinstance(layer, nn.BatchNorm2d)]
    assert len(norms) == 21 and all(bool((layer.weight == 1).all()) for layer in norms) and not found[0].trained


def test_a_network_with_batch_norm_is_told_that_it_has_it(tmp_path: Path, digits: Data) -> None:
    with pytest.raises(ValueError, match="has batch-norm"):
        list(opened(context(tmp_path, digits, folded=False), "restored"))
