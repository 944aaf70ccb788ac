"""Full updating: train the whole network in each round and send every weight of it, the yardstick of every way that sends fewer.

How it works: each round begins with the first network again, or with what the edge has, trains it with all images that there are
by then, and sends the epoch that was best on the validation part, if it is no worse there than what the edge has.

A baseline of Qu, Liu, Thiele: "Deep Partial Updating: Towards Communication Efficient Updating for On-device Inference",
ECCV 2022, arXiv 2007.03071.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Literal

from worker.context import Context
from worker.events import Event
from worker.params import param
from worker.recipe import recipe
from worker.recipes.updating import CHARTS, EXAMPLE, FULL, PAPER, PRESETS, UpdatingParams


class Params(UpdatingParams):
    begin: Literal["first network", "last round"] = param(
        "first network", help="Train each round from the first network, or on from what the edge has.")


@recipe(
    "Full updating", params=Params, charts=CHARTS, example=EXAMPLE, presets=PRESETS,
    use_when="bytes are no worry, or as a yardstick for the ways that send fewer.", papers=[PAPER],
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.updating.as_run import updated
    from worker.updating.ways import full

    way = full(FULL, restart="always" if params.begin == "first network" else "never")
    return (yield from updated(params.plan(), [way], start=params.start, context=context))
