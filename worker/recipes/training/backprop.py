"""Backprop: train the whole network with back-propagation, the yardstick of every other way to train.

How it works: batches of training images run forwards, the error runs backwards, and each weight moves a little against its
gradient, over and over for the epochs asked for, while the learning rate falls to zero. After each epoch the network is judged on
the validation part and kept as a checkpoint, from which a run that was stopped goes on.

Rumelhart, Hinton, Williams: "Learning representations by back-propagating errors", Nature 323, 1986.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from worker.context import Context
from worker.events import Event
from worker.recipe import Paper, recipe
from worker.recipes.training import ACCURACY, LOSS, PHASES, RATE, TrainingParams


class Params(TrainingParams):
    pass


@recipe(
    "Backprop", params=Params, charts=[ACCURACY, LOSS, RATE, PHASES],
    example={"model": "lenet5", "dataset": "digits", "epochs": 2},
    presets={"quick look": {"epochs": 3}, "careful": {"epochs": 40}},
    use_when="a network has no weights yet, or should learn your data, and memory is no worry.",
    papers=[Paper("rumelhart1986learning", ("Rumelhart, David E.", "Hinton, Geoffrey E.", "Williams, Ronald J."),
                  "Learning representations by back-propagating errors", 1986, venue="Nature 323")],
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.training.whole import whole

    return (yield from whole(params.settings(context), start=params.start, context=context))
