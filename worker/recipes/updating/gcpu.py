"""Global contribution: send the weights that moved farthest, the nearest rival of Deep Partial Updating.

How it works: as Deep Partial Updating, but the weights to send are chosen by how far training moved them alone, and rounds go on
from what the edge has, however much the data grew, unless asked otherwise.

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
    "Updating by largest moves", params=Params, charts=CHARTS, example=EXAMPLE | {"ratio": 0.1}, presets=PRESETS,
    use_when="you want to know what the loss's share of Deep Partial Updating's choice is worth.", papers=[PAPER],
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.updating.ways import partial

    way = partial(params.label("gcpu"), params.ratio, mode="gcpu", restart=params.restart)
    return (yield from followed(way, params, context))
