"""Batch-norm statistics computed anew: the mean over the batches, always the same, and nothing else of the network changed."""

from __future__ import annotations

import copy
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import fx, nn

from worker import datasets, menu
from worker.context import Context, DatasetInput
from worker.datasets import Data, normalise
from worker.dnn import architectures, files
from worker.dnn.form import trace
from worker.events import Event, Finished, Log
from worker.executor import execute
from worker.flags import resolve
from worker.pruning.recalibration import norms, recalibrate
from worker.training.batches import order


@pytest.fixture(scope="module")
def digits() -> Data:
    return datasets.load(DatasetInput("digits"))


class Normed(nn.Module):
    """Two norms, one behind the other, and a dropout that must stay out of it."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.BatchNorm2d(1), nn.Conv2d(1, 4, 3), nn.Dropout(0.5), nn.BatchNorm2d(4), nn.ReLU(),
                                    nn.Flatten(), nn.Linear(144, 10))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x)


@pytest.fixture
def network() -> fx.GraphModule:
    torch.manual_seed(4)
    return trace(Normed()).eval()


def done(running: Generator[Event, None, int]) -> int:
    while True:
        try:
            next(running)
        except StopIteration as end:
            return end.value


def test_statistics_are_the_mean_over_the_batches(network: fx.GraphModule, digits: Data) -> None:
    images = done(recalibrate(network, digits, batches=3, batch_size=100, seed=7))
    some = order(len(digits.parts["train"].labels), 100, seed=7, epoch=0)[:3]
    pixels = [normalise(torch.as_tensor(digits.parts["train"].images)[rows], digits) for rows in some]
    first = norms(network)[0]
    assert images == 300
    torch.testing.assert_close(first.running_mean, torch.stack([batch.mean((0, 2, 3)) for batch in pixels]).mean(0))
    torch.testing.assert_close(first.running_var, torch.stack([batch.var((0, 2, 3)) for batch in pixels]).mean(0))


def test_weights_modes_and_momenta_are_what_they_were(network: fx.GraphModule, digits: Data) -> None:
    before = {name: weight.detach().clone() for name, weight in network.named_parameters()}
    momenta = [norm.momentum for norm in norms(network)]
    done(recalibrate(network, digits, batches=2, batch_size=64, seed=7))
    assert all(torch.equal(weight, before[name]) for name, weight in network.named_parameters())
    assert [norm.momentum for norm in norms(network)] == momenta
    assert not any(layer.training for layer in network.modules())


def test_the_same_seed_gives_the_same_bits_whatever_stood_there_before(network: fx.GraphModule, digits: Data) -> None:
    other = copy.deepcopy(network)
    with torch.no_grad():
        for norm in norms(other):
            assert norm.running_mean is not None
            norm.running_mean.add_(5.0)
    torch.rand(7)
    for each in (network, other):
        done(recalibrate(each, digits, batches=2, batch_size=64, seed=7))
    assert all(torch.equal(one, two) for one, two in zip(network.state_dict().values(), other.state_dict().values(), strict=True))


def test_more_batches_than_there_are_use_all_full_ones(network: fx.GraphModule, digits: Data) -> None:
    assert done(recalibrate(network, digits, batches=1000, batch_size=100, seed=7)) == 1200


def test_a_training_part_of_less_than_a_batch_is_used_whole(network: fx.GraphModule, digits: Data) -> None:
    assert done(recalibrate(network, digits, batches=5, batch_size=5000, seed=7)) == 1257


def prune(folder: Path, **changes: Any) -> tuple[dict[str, Any], list[str]]:
    torch.set_num_threads(1)
    recipe = menu.get("pruning.magnitude")
    params = recipe.params.model_validate({"model": "lenet5", "dataset": "digits", "epochs": 0} | changes)
    events = list(execute(recipe, params, Context(folder, inputs=resolve(params), seed=params.seed)))
    assert isinstance(events[-1], Finished), events[-1]
    return events[-1].summary, [event.message for event in events if isinstance(event, Log)]


@pytest.fixture(scope="module")
def collapsed(tmp_path_factory: pytest.TempPathFactory, digits: Data) -> Path:
    """A trained network whose statistics are off, as those of a pruned one are."""
    folder = tmp_path_factory.mktemp("collapsed")
    recipe = menu.get("training.backprop")
    torch.set_num_threads(1)
    torch.manual_seed(4)
    files.save(trace(Normed()), folder / "fresh", in_shape=(1, 8, 8), classes=10, name="normed")
    params = recipe.params.model_validate({"model": str(folder / "fresh"), "dataset": "digits", "epochs": 4})
    last = list(execute(recipe, params, Context(folder / "run", inputs=resolve(params), seed=7)))[-1]
    assert isinstance(last, Finished), last
    trained = files.load(folder / "run" / last.summary["variants"][0]["file"])
    with torch.no_grad():
        shifted = norms(trained.network)[1].running_mean
        assert shifted is not None
        shifted.add_(3.0)
    files.save(trained.network, folder / "shifted", in_shape=(1, 8, 8), classes=10, name="shifted", trained=True)
    return folder / "shifted"


def test_a_network_that_is_not_trained_on_is_told_what_it_did(collapsed: Path, tmp_path: Path) -> None:
    found, said = prune(tmp_path, model=str(collapsed), sparsity=0.3, recalibrate_batches=10)
    assert found["accuracy_pruned"] < 0.5 < found["accuracy_recalibrated"]
    assert found["accuracy_after"] == found["accuracy_recalibrated"]
    assert "; batch-norm statistics computed anew took it from " in found["verdict"]
    assert any(text.startswith("The statistics of 2 batch-norm layers were computed anew from 640 training") for text in said)


def test_it_is_a_choice(collapsed: Path, tmp_path: Path) -> None:
    found, _ = prune(tmp_path, model=str(collapsed), sparsity=0.3)
    assert found["accuracy_recalibrated"] is None and found["accuracy_after"] < 0.5
    assert "batch-norm" not in found["verdict"]


def test_a_network_without_statistics_says_so(tmp_path: Path) -> None:
    files.save(architectures.build("lenet5", 10, (1, 8, 8), seed=3), tmp_path / "given", in_shape=(1, 8, 8), classes=10,
               name="given", trained=True)
    found, said = prune(tmp_path / "run", model=str(tmp_path / "given"), recalibrate_batches=3)
    assert found["accuracy_recalibrated"] is None
    assert "The network keeps no batch-norm statistics, so there is nothing to compute anew." in said
