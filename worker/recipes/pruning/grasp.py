"""GraSP: before training, drop the weights without which the gradient flows best, judged on a few images.

How it works: on some training images of each class the gradient g of the loss is taken at the weights as they are, and what a
small step along it makes of the gradient: Hg, H being the loss's second derivative. A weight's score is weight times Hg: what
the norm of the gradient would lose without it. The lowest scores are set to zero at once, over all layers together (or layer
by layer), and held there while the rest is trained.

Wang, Zhang, Grosse: "Picking Winning Tickets Before Training by Preserving Gradient Flow", 2020, arXiv 2002.07376.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from worker.context import Context
from worker.events import Event
from worker.params import param
from worker.recipe import Paper, recipe
from worker.recipes.pruning import CHARTS, EXAMPLE, PRESETS, MaskingParams

if TYPE_CHECKING:
    from worker.pruning.pruned import Prune


class Params(MaskingParams):
    images_per_class: int = param(10, help="Training images of each class that the scores are taken on, all of a class that has "
                                           "fewer; they are not augmented.", unit="images", ge=1, le=10_000)
    temperature: float = param(200.0, help="The network's answers are divided by this before the loss is taken, so that fresh "
                                           "weights are not judged by how sure they happen to be.", gt=0, le=1e6)
    absolute: bool = param(False, help="Rank by the size of the score, whatever its sign: what moves the gradient's norm most, "
                                       "up or down, stays.")


@recipe(
    "GraSP", params=Params, makes="sparse", charts=CHARTS, example=EXAMPLE, presets=PRESETS,
    use_when="a network should be sparse from the first epoch on, and very much so; a hundred labelled images are at hand.",
    papers=[Paper("wang2020picking", ("Wang, Chaoqi", "Zhang, Guodong", "Grosse, Roger"),
                  "Picking Winning Tickets Before Training by Preserving Gradient Flow", 2020, arxiv="2002.07376")],
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.pruning.comparison import compare

    return (yield from compare(params.label("grasp"), _prune(params), params.terms(context), context))


def _prune(params: Params) -> Prune:
    from worker.pruning import criteria
    from worker.pruning.unstructured import prune

    search = criteria.grasp(params.images_per_class, temperature=params.temperature, absolute=params.absolute)
    return lambda subject: prune(subject, search, params.rules())
