"""Backprop: train the whole network with back-propagation, the yardstick of every other way to train.

How it works: batches of training images run forwards, the error runs backwards, and each weight moves a little against its
gradient, over and over for the epochs asked for, while the learning rate falls to zero. After each epoch the network is judged on
the validation part and kept as a checkpoint, from which a run that was stopped goes on. With a memory budget the step is
rehearsed without memory first, and the batch is the largest that fits; a budget that has no room for one sample is refused with
the bytes that it needs.

Rumelhart, Hinton, Williams: "Learning representations by back-propagating errors", Nature 323, 1986.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from worker.context import Context
from worker.events import Event
from worker.recipe import Paper, recipe
from worker.recipes.training import ACCURACY, LOSS, MEMORY, OVER_TIME, PHASES, RATE, BudgetParams, TrainingParams


class Params(BudgetParams, TrainingParams):
    pass


@recipe(
    "Backprop", params=Params, charts=[ACCURACY, LOSS, RATE, MEMORY, OVER_TIME, PHASES],
    example={"model": "lenet5", "dataset": "digits", "epochs": 2, "budget_mb": 2},
    presets={"quick look": {"epochs": 3}, "careful": {"epochs": 40}},
    use_when="a network has no weights yet, or should learn your data, and memory is no worry.",
    papers=[Paper("rumelhart1986learning", ("Rumelhart, David E.", "Hinton, Geoffrey E.", "Williams, Ronald J."),
                  "Learning representations by back-propagating errors", 1986, venue="Nature 323")],
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.training.whole import Limit, whole

    budget = params.budget()
    limit = Limit(budget) if budget else None
    return (yield from whole(params.settings(context), start=params.start, context=context, limit=limit))
