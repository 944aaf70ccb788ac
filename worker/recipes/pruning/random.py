"""Random: set weights to zero by lot; the floor that every other criterion has to beat.

The sanity check of Frankle, Dziugaite, Roy, Carbin: "Pruning Neural Networks at Initialization: Why are We Missing the
Mark?", 2020, arXiv 2009.08576.
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
    "Random", params=Params, charts=[TRADEOFF, ACCURACY, DENSITY, LOSS, RATE, PHASES], example=EXAMPLE, presets=PRESETS,
    use_when="you want to know what any pruning of this size costs, before you praise a method.",
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.pruning.comparison import compare
    from worker.pruning.unstructured import prune
    from worker.sparsity.scores import random

    rules = params.rules()
    return (yield from compare(params.label("random"),
                               lambda network: prune(network, lambda weights: random(weights, params.seed), rules),
                               params.terms(context), context))
