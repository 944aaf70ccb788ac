"""A training that was killed ends with the same bits as one that was not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from worker.context import Context
from worker.datasets import Data
from worker.events import Event, Metric
from worker.training.loop import train
from worker.training.settings import Settings

SETTINGS = Settings(epochs=3, batch_size=128, learning_rate=0.05)
Fresh = Callable[[], torch.fx.GraphModule]


def metrics(events: list[Event]) -> list[Metric]:
    return [event for event in events if isinstance(event, Metric)]


def run(network: torch.fx.GraphModule, data: Data, context: Context, settings: Settings = SETTINGS) -> list[Event]:
    return list(train(network, data, settings, variant="net", checkpoints=context.checkpoints))


def stop_after(
    epoch: int, network: torch.fx.GraphModule, data: Data, context: Context, settings: Settings = SETTINGS,
) -> None:
    """Leave the generator where a killed process would: somewhere in the epoch behind."""
    running = train(network, data, settings, variant="net", checkpoints=context.checkpoints)
    for event in running:
        if isinstance(event, Metric) and event.step == epoch + 1:
            running.close()


def same(one: torch.nn.Module, two: torch.nn.Module) -> bool:
    first, second = one.state_dict(), two.state_dict()
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("killed", [0, 1, 2])
@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_resumed_weights_and_metrics_are_bit_equal(
    killed: int, optimiser: str, fresh: Fresh, digits: Data, tmp_path: Path,
) -> None:
    settings = replace(SETTINGS, optimiser=optimiser, learning_rate=0.05 if optimiser == "sgd" else 0.002)
    straight, resumed = fresh(), fresh()
    expected = run(straight, digits, Context(tmp_path / "straight"), settings)
    stop_after(killed, fresh(), digits, Context(tmp_path / "killed"), settings)
    torch.rand(17)
    found = run(resumed, digits, Context(tmp_path / "killed"), settings)
    assert metrics(found) == metrics(expected)
    assert same(straight, resumed)


def test_the_history_is_said_again_and_no_epoch_twice(fresh: Fresh, digits: Data, context: Context) -> None:
    stop_after(2, fresh(), digits, context)
    keys = [metric.key for metric in metrics(run(fresh(), digits, context))]
    assert len(keys) == len(set(keys)) == 1 + 3 * 4


def test_a_finished_training_is_only_told_again(fresh: Fresh, digits: Data, context: Context) -> None:
    trained, told = fresh(), fresh()
    first = run(trained, digits, context)
    again = run(told, digits, context)
    assert metrics(again) == metrics(first)
    assert same(trained, told)
    assert not any(event.type == "progress" for event in again)


def test_a_damaged_checkpoint_falls_back_to_the_one_before(fresh: Fresh, digits: Data, context: Context) -> None:
    straight, resumed = fresh(), fresh()
    expected = run(straight, digits, context)
    newest = max(context.checkpoints.folder.glob("*.ckpt"), key=lambda path: path.name)
    newest.write_bytes(newest.read_bytes()[:-7] + b"garbage")
    assert metrics(run(resumed, digits, context)) == metrics(expected)
    assert same(straight, resumed)


def test_dropout_draws_the_same_after_a_resume(digits: Data, tmp_path: Path) -> None:
    def network() -> torch.fx.GraphModule:
        torch.manual_seed(0)
        layers = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 32), torch.nn.Dropout(0.5),
                                     torch.nn.ReLU(), torch.nn.Linear(32, 10))
        return torch.fx.symbolic_trace(layers)

    straight, resumed = network(), network()
    run(straight, digits, Context(tmp_path / "straight"))
    stop_after(1, network(), digits, Context(tmp_path / "killed"))
    run(resumed, digits, Context(tmp_path / "killed"))
    assert same(straight, resumed)
