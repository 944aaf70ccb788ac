"""Magnitude: set the smallest weights to zero, train on, and remove the channels that this left empty.

How it works: over all layers together (or layer by layer) the weights nearest to zero are set to zero and held there while the
rest is trained on. Scattered zeros make no ordinary engine faster, so channels that hold nothing but zeros are removed, as far as
that is exact.

The baseline of Han, Pool, Tran, Dally: "Learning both Weights and Connections for Efficient Neural Networks", 2015,
arXiv 1506.02626.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from worker.context import Context
from worker.events import Event
from worker.recipe import Paper, recipe
from worker.recipes.pruning import CHARTS, EXAMPLE, PRESETS, MaskingParams


class Params(MaskingParams):
    pass


@recipe(
    "Magnitude", params=Params, makes="sparse", charts=CHARTS, example=EXAMPLE, presets=PRESETS,
    use_when="a trained network should become sparse; it gets smaller only where whole channels go empty.",
    papers=[Paper("han2015learning", ("Han, Song", "Pool, Jeff", "Tran, John", "Dally, William J."),
                  "Learning both Weights and Connections for Efficient Neural Networks", 2015, arxiv="1506.02626")],
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.pruning import criteria
    from worker.pruning.comparison import compare
    from worker.pruning.unstructured import prune

    return (yield from compare(params.label("magnitude"), lambda subject: prune(subject, criteria.magnitude(), params.rules()),
                               params.terms(context), context))
