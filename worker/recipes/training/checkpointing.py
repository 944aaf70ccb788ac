"""Gradient checkpointing: back-propagation that forgets most activations and computes them again, for less memory and more time.

How it works: the network is parted into about as many segments as the square root of its units. On the way forwards only what
goes from one segment to the next is kept; on the way backwards each segment is run once more before its gradient is taken. The
gradients are exactly those of back-propagation. Batch-norm takes each batch into its running statistics once, not twice. With a
memory budget the batch is the largest that fits; a budget that has no room for one sample is refused with the bytes it needs.

Chen, Xu, Zhang, Guestrin: "Training Deep Nets with Sublinear Memory Cost", 2016, arXiv 1604.06174.
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
    "Gradient checkpointing", params=Params, charts=[ACCURACY, LOSS, RATE, MEMORY, OVER_TIME, PHASES],
    example={"model": "lenet5", "dataset": "digits", "epochs": 2, "budget_mb": 2},
    presets={"quick look": {"epochs": 3}, "careful": {"epochs": 40}},
    use_when="back-propagation is wanted with larger batches than memory has room for, and a third more time is no matter.",
    papers=[Paper("chen2016training", ("Chen, Tianqi", "Xu, Bing", "Zhang, Chiyuan", "Guestrin, Carlos"),
                  "Training Deep Nets with Sublinear Memory Cost", 2016, arxiv="1604.06174")],
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.training import checkpointed
    from worker.training.whole import Limit, whole

    limit = Limit(params.budget(), checkpointed.way)
    return (yield from whole(params.settings(context), start=params.start, context=context, limit=limit))
