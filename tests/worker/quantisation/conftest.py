"""One thread: the machine is shared. A small trained-looking network and the data it is judged with."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
import torch

from worker import datasets
from worker.context import Context, DatasetInput, ModelInput
from worker.datasets import Data
from worker.dnn import architectures, files
from worker.training.loop import train
from worker.training.settings import Settings


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def data() -> Data:
    return datasets.load(DatasetInput("digits"))


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, data: Data) -> Path:
    """LeNet-5 after a few epochs, as a file."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("trained")
    network = architectures.build("lenet5", data.classes, data.in_shape, seed=1)
    settings = Settings(epochs=3, batch_size=64, learning_rate=0.05, optimiser="sgd", momentum=0.9, weight_decay=5e-4,
                        clip_norm=1.0, seed=1)
    finished(train(network, data, settings, variant="t", checkpoints=Context(folder / "run").checkpoints))
    files.save(network, folder / "lenet.safetensors", in_shape=data.in_shape, classes=data.classes, name="lenet", trained=True)
    return folder / "lenet.safetensors"


@pytest.fixture
def context(tmp_path: Path, trained: Path) -> Context:
    return Context(tmp_path / "run", {"model": ModelInput("lenet", file=trained), "dataset": DatasetInput("digits")})


def finished(running: Generator[Any, None, Any], heard: Callable[[Any], None] = lambda event: None) -> Any:
    """Run to the end and give back what it returns."""
    while True:
        try:
            heard(next(running))
        except StopIteration as end:
            return end.value
