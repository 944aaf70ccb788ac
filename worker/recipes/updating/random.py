"""Random updating: send as many weights as Deep Partial Updating, drawn by lot; what its choice has to beat.

How it works: of each layer the same share of positions is drawn anew in each round, only these weights are trained, from what the
edge has, and they are sent.

A baseline of Qu, Liu, Thiele: "Deep Partial Updating: Towards Communication Efficient Updating for On-device Inference",
ECCV 2022, arXiv 2007.03071.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from worker.context import Context
from worker.events import Event
from worker.params import param
from worker.recipe import recipe
from worker.recipes.updating import ANEW, CHARTS, EXAMPLE, PAPER, PRESETS, RestartingParams, followed


class Params(RestartingParams):
    reinitialise: bool = param(False, help=ANEW)


@recipe(
    "Updating by lot", params=Params, charts=CHARTS, example=EXAMPLE | {"ratio": 0.1}, presets=PRESETS,
    use_when="you want to know what choosing weights is worth at all.", papers=[PAPER],
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.updating.ways import random

    way = random(params.label("random"), params.ratio, restart=params.restart)
    return (yield from followed(way, params, context))
