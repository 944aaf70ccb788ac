"""Random: set weights to zero by lot; the floor that every other criterion has to beat.

How it works: as magnitude pruning, but lots decide which weights are set to zero. Whatever another criterion gains over this is
what the criterion itself is worth.

The sanity check of Frankle, Dziugaite, Roy, Carbin: "Pruning Neural Networks at Initialization: Why are We Missing the
Mark?", 2020, arXiv 2009.08576.
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
    "Random", params=Params, makes="sparse", charts=CHARTS, example=EXAMPLE, presets=PRESETS,
    use_when="you want to know what any pruning of this size costs, before you praise a method.",
    papers=[Paper("frankle2020pruning", ("Frankle, Jonathan", "Dziugaite, Gintare Karolina", "Roy, Daniel M.", "Carbin, Michael"),
                  "Pruning Neural Networks at Initialization: Why are We Missing the Mark?", 2020, arxiv="2009.08576")],
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.pruning import criteria
    from worker.pruning.comparison import compare
    from worker.pruning.unstructured import prune

    return (yield from compare(params.label("random"), lambda subject: prune(subject, criteria.random(), params.rules()),
                               params.terms(context), context))
