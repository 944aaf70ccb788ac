"""Backprop: train the whole network with back-propagation, the yardstick of every other way to train.

Rumelhart, Hinton, Williams: "Learning representations by back-propagating errors", Nature 323, 1986.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from worker.context import Context
from worker.events import Event
from worker.recipe import recipe
from worker.recipes.training import ACCURACY, LOSS, PHASES, RATE, TrainingParams


class Params(TrainingParams):
    pass


@recipe(
    "Backprop", params=Params, charts=[ACCURACY, LOSS, RATE, PHASES],
    example={"model": "lenet5", "dataset": "digits", "epochs": 2},
    presets={"quick look": {"epochs": 3}, "careful": {"epochs": 40}},
    use_when="a network has no weights yet, or should learn your data, and memory is no worry.",
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.training.whole import whole

    return (yield from whole(params.settings(context), start=params.start, context=context))
