"""A small network and the small digits, on one thread."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from worker import datasets
from worker.context import Context, DatasetInput
from worker.datasets import Data
from worker.dnn import architectures


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def digits() -> Data:
    return datasets.load(DatasetInput("digits"))


@pytest.fixture
def fresh(digits: Data) -> Callable[[], torch.fx.GraphModule]:
    built = architectures.build("lenet5", 10, digits.in_shape, seed=5)
    return lambda: copy.deepcopy(built)


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(tmp_path / "run")
