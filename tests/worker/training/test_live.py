"""A learning rate changed while a training goes on holds from the next epoch, and a resumed training remembers it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from worker.context import Context
from worker.datasets import Data
from worker.events import Event, Log, Metric
from worker.training.loop import Diverged, train
from worker.training.rates import Rates
from worker.training.settings import Settings

Fresh = Callable[[], torch.fx.GraphModule]


class Knob:
    """What the page says now."""

    def __init__(self, value: float) -> None:
        self.value = value

    def __call__(self) -> float:
        return self.value


def watched(
    network: torch.fx.GraphModule, data: Data, folder: Path, knob: Knob, *,
    turn: tuple[int, float] | None = None, kill: int | None = None,
) -> list[Event]:
    """Train five epochs; turn the knob when epoch `turn[0]` is first heard of, be killed when epoch `kill` is."""
    events: list[Event] = []
    running = train(network, data, Settings(epochs=5, live=knob), variant="net", checkpoints=Context(folder).checkpoints)
    for event in running:
        events.append(event)
        if isinstance(event, Metric) and turn and event.step == turn[0]:
            knob.value = turn[1]
        if isinstance(event, Metric) and event.step == kill:
            running.close()
    return events


def rates(events: list[Event]) -> list[float | None]:
    return [event.value for event in events if isinstance(event, Metric) and event.name == "learning_rate"]


def metrics(events: list[Event]) -> list[Metric]:
    return [event for event in events if isinstance(event, Metric)]


def same(one: torch.nn.Module, two: torch.nn.Module) -> bool:
    first, second = one.state_dict(), two.state_dict()
    return all(torch.equal(first[name], second[name]) for name in first)


def test_a_changed_rate_holds_from_the_next_epoch_and_falls_to_zero_from_there(
    fresh: Fresh, digits: Data, tmp_path: Path,
) -> None:
    found = rates(watched(fresh(), digits, tmp_path, Knob(0.05), turn=(2, 0.01)))
    assert found[:2] == [pytest.approx(0.05), pytest.approx(0.05 * 0.904508)]
    assert found[2:] == [pytest.approx(0.01), pytest.approx(0.0075), pytest.approx(0.0025)]


def test_the_steps_are_taken_at_the_changed_rate(fresh: Fresh, digits: Data, tmp_path: Path) -> None:
    changed, kept = fresh(), fresh()
    watched(changed, digits, tmp_path / "changed", Knob(0.05), turn=(2, 0.01))
    watched(kept, digits, tmp_path / "kept", Knob(0.05))
    assert not same(changed, kept)


def test_a_change_is_logged_and_its_absence_is_not(fresh: Fresh, digits: Data, tmp_path: Path) -> None:
    events = watched(fresh(), digits, tmp_path / "changed", Knob(0.05), turn=(2, 0.01))
    said = [event.message for event in events if isinstance(event, Log)]
    assert said == ["The learning rate is 0.01 from epoch 3 on; it was set to 0.05."]
    assert not any(isinstance(event, Log) for event in watched(fresh(), digits, tmp_path / "kept", Knob(0.05)))


def test_a_rate_changed_before_training_began_holds_from_the_first_epoch(
    fresh: Fresh, digits: Data, tmp_path: Path,
) -> None:
    assert rates(watched(fresh(), digits, tmp_path, Knob(0.02)))[0] == pytest.approx(0.02)


@pytest.mark.parametrize("killed", [1, 2, 3, 4, 5])
def test_killed_in_any_epoch_and_resumed_a_changed_training_ends_with_the_same_bits(
    killed: int, fresh: Fresh, digits: Data, tmp_path: Path,
) -> None:
    straight, resumed, knob = fresh(), fresh(), Knob(0.05)
    expected = watched(straight, digits, tmp_path / "straight", Knob(0.05), turn=(2, 0.01))
    watched(fresh(), digits, tmp_path / "killed", knob, turn=(2, 0.01), kill=killed)
    found = watched(resumed, digits, tmp_path / "killed", knob, turn=(2, 0.01))
    assert metrics(found) == metrics(expected)
    assert same(straight, resumed)


@pytest.mark.parametrize("epoch", [1, 3])
def test_a_change_between_two_attempts_does_not_contradict_what_the_first_one_said(
    epoch: int, fresh: Fresh, digits: Data, tmp_path: Path,
) -> None:
    first = watched(fresh(), digits, tmp_path, Knob(0.05), kill=epoch)
    second = watched(fresh(), digits, tmp_path, Knob(0.01))
    known = {metric.key: metric.value for metric in metrics(first)}
    assert all(metric.value == known.get(metric.key, metric.value) for metric in metrics(second))
    assert rates(second)[epoch] == pytest.approx(0.01)


def test_a_training_may_follow_the_rates_of_another(fresh: Fresh, digits: Data, context: Context) -> None:
    follow = Rates.of([(1, 0.04), (3, 0.02)])
    settings = replace(Settings(epochs=3, live=Knob(0.5)), follow=follow)
    events = list(train(fresh(), digits, settings, variant="net", checkpoints=context.checkpoints))
    assert rates(events) == [follow.at(epoch, 3) for epoch in (1, 2, 3)]
    assert rates(events)[2] == pytest.approx(0.02)


def diverging(network: torch.fx.GraphModule, data: Data, folder: Path, rate: float, kill: int | None = None) -> list[Event]:
    """Three epochs without a clip norm; what was said until the training ended, diverged or was killed."""
    events: list[Event] = []
    settings = Settings(epochs=3, learning_rate=10, clip_norm=0, live=Knob(rate))
    running = train(network, data, settings, variant="net", checkpoints=Context(folder).checkpoints)
    with suppress(Diverged):
        for event in running:
            events.append(event)
            if isinstance(event, Metric) and event.step == kill:
                running.close()
    return events


def test_a_retry_after_a_divergence_takes_the_rate_that_is_wanted_now(
    fresh: Fresh, digits: Data, tmp_path: Path,
) -> None:
    assert rates(diverging(fresh(), digits, tmp_path, 10)) == []
    assert rates(diverging(fresh(), digits, tmp_path, 10)) == []
    events = diverging(fresh(), digits, tmp_path, 0.02)
    assert rates(events) == [pytest.approx(0.02), pytest.approx(0.015), pytest.approx(0.005)]
    assert any(isinstance(event, Log) and "0.02 from epoch 1 on" in event.message for event in events)


def test_a_retry_that_is_killed_in_the_epoch_that_had_diverged_keeps_its_new_rate(
    fresh: Fresh, digits: Data, tmp_path: Path,
) -> None:
    diverging(fresh(), digits, tmp_path, 10)
    said = diverging(fresh(), digits, tmp_path, 0.02, kill=1)
    again = diverging(fresh(), digits, tmp_path, 0.04)
    assert rates(said)[0] == rates(again)[0] == pytest.approx(0.02)
    assert rates(again)[1] == pytest.approx(0.04)


def test_what_diverged_in_a_later_epoch_goes_on_from_the_one_before(
    fresh: Fresh, digits: Data, tmp_path: Path,
) -> None:
    knob, said = Knob(0.05), list[Event]()
    settings = Settings(epochs=3, clip_norm=0, live=knob)
    with pytest.raises(Diverged):
        for event in train(fresh(), digits, settings, variant="net", checkpoints=Context(tmp_path).checkpoints):
            said.append(event)
            knob.value = 10.0 if isinstance(event, Metric) and event.step == 1 else knob.value
    assert rates(said) == [pytest.approx(0.05)]
    knob.value = 0.01
    again = list(train(fresh(), digits, settings, variant="net", checkpoints=Context(tmp_path).checkpoints))
    assert rates(again) == [pytest.approx(0.05), pytest.approx(0.01), pytest.approx(0.005)]
