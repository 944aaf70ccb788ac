"""Magnitude: set the smallest weights to zero, train on, and remove the channels that this left empty.

The baseline of Han, Pool, Tran, Dally: "Learning both Weights and Connections for Efficient Neural Networks", 2015,
arXiv 1506.02626.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from worker.context import Context
from worker.events import Event
from worker.recipe import recipe
from worker.recipes.pruning import ACCURACY, DENSITY, EXAMPLE, LOSS, PHASES, PRESETS, RATE, TRADEOFF, MaskingParams


class Params(MaskingParams):
    pass


@recipe(
    "Magnitude", params=Params, charts=[TRADEOFF, ACCURACY, DENSITY, LOSS, RATE, PHASES], example=EXAMPLE, presets=PRESETS,
    use_when="a trained network should become sparse; it gets smaller only where whole channels go empty.",
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.pruning.comparison import compare
    from worker.pruning.unstructured import prune
    from worker.sparsity.scores import magnitude

    rules = params.rules()
    return (yield from compare(params.label("magnitude"), lambda network: prune(network, magnitude, rules),
                               params.terms(context), context))
