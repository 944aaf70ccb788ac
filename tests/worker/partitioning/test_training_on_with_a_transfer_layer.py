"""Training on with a transfer layer: the best epoch is kept, also after a kill, and the uncut network may teach."""

from __future__ import annotations

import copy
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import fx

from worker import datasets
from worker.context import Checkpoints, Context, DatasetInput
from worker.datasets import Data
from worker.dnn import architectures, slices
from worker.events import Event, Metric
from worker.partitioning.transfer.calibration import calibrated
from worker.partitioning.transfer.distilling import Distilling, criterion, lost, softened
from worker.partitioning.transfer.insertion import Placed, inserted
from worker.partitioning.transfer.options import read
from worker.partitioning.transfer.rounding import Straight
from worker.partitioning.transfer.tuning import Tuned, tuned
from worker.training.accuracy import score
from worker.training.loop import Share, train
from worker.training.settings import Settings

SHAPE, AFTER, NAME = (1, 8, 8), "relu1", "max-pool, int8 behind relu1"
NONE, TAUGHT = Distilling(), Distilling(1.0, 0.5)


@cache
def digits() -> Data:
    return datasets.load(DatasetInput("digits"))


@cache
def uncut() -> fx.GraphModule:
    """A network that has learnt something."""
    network = architectures.build("lenet5", 10, SHAPE, seed=3)
    with tempfile.TemporaryDirectory() as folder:
        ended(train(network, digits(), Settings(epochs=2), variant="uncut", checkpoints=Checkpoints(Path(folder))))
    return network


def placed() -> Placed:
    torch.manual_seed(0)
    return inserted(uncut(), SHAPE, AFTER, ended(calibrated(uncut(), SHAPE, AFTER, read("max-pool, int8"), digits()))[0])


def ended(running: Any, kill: int = -1) -> tuple[Any, list[Event]]:
    """What it returned and said; closed when a metric of step `kill` is heard of."""
    events = list[Event]()
    while True:
        try:
            events.append(next(running))
        except StopIteration as end:
            return end.value, events
        if isinstance(events[-1], Metric) and events[-1].step == kill and events[-1].labels.get("split") == "validation":
            running.close()
            return None, events


def trained(
    found: Placed, folder: Path, *, rate: float = 0.02, epochs: int = 3, wanted: Distilling = NONE, kill: int = -1,
) -> Any:
    settings = Settings(epochs=epochs, learning_rate=rate)
    return ended(tuned(found, uncut(), digits(), settings, variant=NAME, checkpoints=Context(folder).checkpoints,
                       share=Share(0, epochs), distilling=wanted), kill)


def validated(network: fx.GraphModule) -> float:
    found: float = ended(score(network, digits(), "validation"))[0].accuracy
    return found


def test_what_is_kept_is_the_best_epoch_and_never_worse_than_right_behind_the_insertion(tmp_path: Path) -> None:
    found = placed()
    before = validated(found.network)
    told, events = trained(found, tmp_path)
    heard = [event.value or 0.0 for event in events if isinstance(event, Metric) and event.name == "accuracy"
             and event.labels["split"] == "validation"]
    assert told.before == before == heard[0] and told.best == max(heard) >= before
    assert validated(found.network) == told.best
    assert not any(isinstance(layer, Straight) for layer in found.network.modules())


def test_a_training_that_only_spoils_leaves_what_was_there_before_it(tmp_path: Path) -> None:
    found = placed()
    weights = copy.deepcopy(found.network.state_dict())
    told, _ = trained(found, tmp_path, rate=3.0, epochs=2)
    assert told.epoch == 0 and told.best == told.before
    assert all(torch.equal(weights[name], tensor) for name, tensor in found.network.state_dict().items())


def test_one_that_runs_away_is_told_and_leaves_its_best_epoch(tmp_path: Path) -> None:
    found = placed()
    told, _ = trained(found, tmp_path, rate=1e18, epochs=2)
    assert "diverged" in told.broken and told.epoch == 0
    assert validated(found.network) == told.before


@pytest.mark.parametrize("kill", [0, 1, 2, 3])
def test_killed_in_any_epoch_it_ends_with_the_same_bits(kill: int, tmp_path: Path) -> None:
    straight, resumed = placed(), placed()
    once, _ = trained(straight, tmp_path / "once", wanted=TAUGHT)
    trained(placed(), tmp_path / "again", wanted=TAUGHT, kill=kill)
    again, _ = trained(resumed, tmp_path / "again", wanted=TAUGHT)
    assert _timeless(once) == _timeless(again)
    ours, theirs = straight.network.state_dict(), resumed.network.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def _timeless(told: Tuned) -> tuple[Any, ...]:
    return told.before, told.best, told.epoch, told.epochs, told.broken


def test_the_same_answers_teach_nothing_and_others_do() -> None:
    answers = torch.tensor([[1.0, 2.0, 3.0], [0.0, -1.0, 4.0]])
    assert float(softened(answers, answers)) == pytest.approx(0, abs=1e-6)
    assert float(softened(answers, answers + 5)) == pytest.approx(0, abs=1e-6)
    assert float(softened(answers, -answers)) > 1


def test_what_is_lost_between_the_halves_is_a_share_whatever_its_scale() -> None:
    given = torch.randn(2, 3, 4, 4)
    assert float(lost(given, given)) == 0
    assert float(lost(given, torch.zeros_like(given))) == pytest.approx(1)
    assert float(lost(1000 * given, torch.zeros_like(given))) == pytest.approx(1)


def test_the_loss_is_the_sum_that_is_written_and_nothing_watches_the_network_afterwards() -> None:
    found, images = placed(), torch.randn(4, *SHAPE)
    labels = torch.tensor([1, 2, 3, 4])
    hooks = [found.network.get_submodule(name) for name in (found.first, found.up)]
    with criterion(found, uncut(), Distilling(2.0, 3.0)) as loss:
        assert loss is not None
        answers = found.network(images)
        told = loss(images, answers, labels).detach()
    plain = torch.nn.functional.cross_entropy(answers, labels)
    before, behind = (slices.split(found.network, SHAPE, name).head.network(images) for name in (AFTER, found.up))
    assert torch.allclose(told, plain + 2 * softened(answers, uncut()(images)) + 3 * lost(before, behind))
    assert not any(layer._forward_hooks or layer._forward_pre_hooks for layer in hooks)
    with criterion(found, uncut(), NONE) as loss:
        assert loss is None


def test_being_taught_changes_what_is_learnt(tmp_path: Path) -> None:
    alone, taught = placed(), placed()
    trained(alone, tmp_path / "alone", epochs=1)
    trained(taught, tmp_path / "taught", epochs=1, wanted=TAUGHT)
    weight = next(name for name in alone.network.state_dict() if name.endswith("weight"))
    assert not torch.equal(alone.network.state_dict()[weight], taught.network.state_dict()[weight])
