"""A training in legs: the epochs of one, counted on and at the rates of one, with a checkpoint chain each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from worker.context import Context
from worker.datasets import Data
from worker.events import Event, Metric, Progress
from worker.training.loop import Leg, Share, Trained, train
from worker.training.rates import Rates
from worker.training.settings import Settings

Fresh = Callable[[], torch.fx.GraphModule]
FOUR = Settings(epochs=4)


def trained(network: torch.fx.GraphModule, data: Data, context: Context, leg: Leg, **how: Any) -> tuple[list[Event], Trained]:
    settings = how.pop("settings", FOUR)
    running = train(network, data, settings, variant="net", checkpoints=context.checkpoints, leg=leg, **how)
    events: list[Event] = []
    while True:
        try:
            events.append(next(running))
        except StopIteration as end:
            return events, end.value


def steps(events: list[Event], name: str) -> list[int | None]:
    return [event.step for event in events if isinstance(event, Metric) and event.name == name]


def test_a_first_leg_ends_early_and_a_second_counts_on(fresh: Fresh, digits: Data, context: Context) -> None:
    network = fresh()
    first, begun = trained(network, digits, context, Leg(until=1, name="first"))
    second, rest = trained(network, digits, context, Leg(1, rates=begun.rates))
    assert (steps(first, "loss"), steps(second, "loss")) == ([1], [2, 3, 4])
    assert (begun.epochs, rest.epochs) == (1, 3)


def test_both_legs_follow_the_rates_of_one_training(fresh: Fresh, digits: Data, context: Context) -> None:
    network, said = fresh(), []
    for leg in (Leg(until=2, name="first"), Leg(2)):
        said += trained(network, digits, context, leg)[0]
    whole = Rates.of([(1, FOUR.learning_rate)])
    rates = [event.value for event in said if isinstance(event, Metric) and event.name == "learning_rate"]
    assert rates == [whole.at(epoch, 4) for epoch in (1, 2, 3, 4)]


@pytest.mark.parametrize("judged", [True, False])
def test_where_a_leg_sets_out_from_is_said_unless_the_leg_before_did(
    judged: bool, fresh: Fresh, digits: Data, context: Context,
) -> None:
    events, _ = trained(fresh(), digits, context, Leg(3, judged=judged))
    validated = [event.step for event in events if isinstance(event, Metric) and event.labels["split"] == "validation"]
    assert validated == ([4] if judged else [3, 4])


def test_progress_counts_the_epochs_of_the_leg(fresh: Fresh, digits: Data, context: Context) -> None:
    events, _ = trained(fresh(), digits, context, Leg(2), share=Share(2, 4, (0.5, 1.0)))
    whole = [(event.done, event.part) for event in events if isinstance(event, Progress) and event.done == int(event.done)]
    assert whole[-1] == (4, 1.0) and (3, 0.75) in whole


def test_a_rate_changed_between_two_legs_holds_from_the_second_on(fresh: Fresh, digits: Data, context: Context) -> None:
    network, wanted = fresh(), [0.05]
    settings = Settings(epochs=2, live=lambda: wanted[0])
    _, begun = trained(network, digits, context, Leg(until=1, name="first"), settings=settings)
    wanted[0] = 0.01
    _, rest = trained(network, digits, context, Leg(1, rates=begun.rates), settings=settings)
    assert rest.rates == Rates.of([(1, 0.05), (2, 0.01)])
