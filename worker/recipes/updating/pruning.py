"""Updating by pruning: in each round train anew, send the largest weights alone, and let all others be zero.

How it works: every round begins with the first network, trains it whole, keeps the weights that are farthest from zero over all
layers, sets the others to zero, and trains the kept ones on. The edge is sent their positions and values.

A baseline of Qu, Liu, Thiele: "Deep Partial Updating: Towards Communication Efficient Updating for On-device Inference",
ECCV 2022, arXiv 2007.03071.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from worker.context import Context
from worker.events import Event
from worker.recipe import recipe
from worker.recipes.updating import CHARTS, EXAMPLE, PAPER, PRESETS, PartialParams, followed


class Params(PartialParams):
    pass


@recipe(
    "Updating by pruning", params=Params, charts=CHARTS, example=EXAMPLE | {"ratio": 0.1}, presets=PRESETS,
    use_when="the edge should hold a sparse network, or as a yardstick for what is sent.", papers=[PAPER],
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.updating.ways import pruning

    return (yield from followed(pruning(params.label("pruning"), params.ratio), params, context))
