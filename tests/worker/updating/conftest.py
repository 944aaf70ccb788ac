"""A small network with batch-norm, the small digits, and a run of rounds on one thread."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import fx, nn

from worker import datasets
from worker.context import Checkpoints, DatasetInput
from worker.datasets import Data
from worker.dnn import export
from worker.dnn.form import trace
from worker.dnn.initialisation import reinitialise
from worker.training.settings import Settings
from worker.updating.course import Course, Plan
from worker.updating.ways import Way

SHAPE = (1, 8, 8)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def digits() -> Data:
    return datasets.load(DatasetInput("digits"))


@pytest.fixture(scope="session")
def built() -> fx.GraphModule:
    network = trace(nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                                  nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 10)))
    reinitialise(network, 3)
    return network.eval()


@pytest.fixture
def fresh(built: fx.GraphModule) -> Callable[[], fx.GraphModule]:
    return lambda: copy.deepcopy(built)


@pytest.fixture(scope="session")
def exported(built: fx.GraphModule, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The network as ONNX."""
    file = tmp_path_factory.mktemp("exported") / "first.onnx"
    export.to_onnx(copy.deepcopy(built), SHAPE, file)
    return file.read_bytes()


Follow = Callable[..., Course]


@pytest.fixture
def follow(fresh: Callable[[], fx.GraphModule], digits: Data, exported: bytes, tmp_path: Path) -> Follow:
    """All rounds of some ways."""

    def followed(
        *ways: Way, epochs: int = 2, tuning: int = 2, rounds: int = 3, first: int = 100, more: int = 60, seed: int = 7,
        checkpoints: Checkpoints | None = None, **settings: object,
    ) -> Course:
        chosen = {"optimiser": "adam", "learning_rate": 0.01, "weight_decay": 0.0, "batch_size": 32, "seed": seed} | settings
        plan = Plan(Settings(epochs=epochs, clip_norm=0.0, **chosen), tuning, first, more, rounds)  # type: ignore[arg-type]
        network = fresh()
        state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        course = Course(network, digits, plan, exported, state)
        list(course.follow(ways))
        list(course.rounds(checkpoints or Checkpoints(tmp_path / "checkpoints"), "rounds"))
        return course

    return followed
