"""Deep Partial Updating: send a deployed network only the few weights that matter most for what new data taught it.

How it works: a server that collects more data trains the whole network on, and notes for every weight how far it moved and what
its steps lowered the loss by. The weights with the largest sum of both, over all layers, are kept; all others go back to what the
edge device has; the kept ones are trained on alone. What is sent is their positions and values. It is sent only if it is no worse
on the validation part than what the edge has. When the data has more than doubled, a round begins with the first network again,
which the edge keeps.

Qu, Liu, Thiele: "Deep Partial Updating: Towards Communication Efficient Updating for On-device Inference", ECCV 2022,
arXiv 2007.03071.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Literal

from worker.context import Context
from worker.events import Event
from worker.params import param
from worker.recipe import recipe
from worker.recipes.updating import CHARTS, EXAMPLE, PAPER, PRESETS, RestartingParams, followed


class Params(RestartingParams):
    mode: Literal["dpu", "gcpu", "lcpu"] = param(
        "dpu", help="Choose weights by both, by how far they moved alone (gcpu), or by what their steps lowered the loss by "
                    "alone (lcpu).")
    balance: float = param(0.5, help="Of the sum of both, the share of how far a weight moved.", ge=0, le=1)


@recipe(
    "Deep Partial Updating", params=Params, charts=CHARTS, example=EXAMPLE | {"ratio": 0.1}, presets=PRESETS,
    use_when="a deployed network keeps learning and the way to it is narrow or dear.", papers=[PAPER],
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.updating.ways import partial

    way = partial(params.label(params.mode), params.ratio, balance=params.balance, mode=params.mode, restart=params.restart)
    return (yield from followed(way, params, context))
