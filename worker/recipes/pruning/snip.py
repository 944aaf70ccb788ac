"""SNIP: before training, drop the weights that the loss would miss least, judged on a few images.

How it works: some training images of each class are run forwards and backwards once, at the weights as they are. A weight's
score is the size of weight times gradient: how fast the loss would change if the weight faded. The lowest scores are set to
zero, over all layers together (or layer by layer), and held there while the rest is trained. With more than one iteration
this is done bit by bit, and the scores are taken anew each time.

Lee, Ajanthan, Torr: "SNIP: Single-shot Network Pruning based on Connection Sensitivity", 2018, arXiv 1810.02340. In
iterations: de Jorge, Sanyal, Behl, Torr, Rogez, Dokania: "Progressive Skeletonization: Trimming more fat from a network at
initialization", 2020, arXiv 2006.09081.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Literal

from worker.context import Context
from worker.events import Event
from worker.params import param
from worker.recipe import Paper, recipe
from worker.recipes.pruning import CHARTS, EXAMPLE, PRESETS, MaskingParams

if TYPE_CHECKING:
    from worker.pruning.pruned import Prune


class Params(MaskingParams):
    iterations: int = param(1, help="In how many steps the weights are pruned; the scores are taken anew at each.", unit="rounds",
                            ge=1, le=1000)
    schedule: Literal["exponential", "linear"] = param(
        "exponential", help="Of several iterations, each prunes the same part of what is left, or the same number of weights.")
    images_per_class: int = param(10, help="Training images of each class that the scores are taken on, all of a class that has "
                                           "fewer; they are not augmented.", unit="images", ge=1, le=10_000)
    per_batch: bool = param(False, help="Add up the scores of batches of 128 images instead of taking one of them all, as some "
                                        "implementations do; with no more images than that it is the same.")


@recipe(
    "SNIP", params=Params, makes="sparse", charts=CHARTS, example=EXAMPLE,
    presets=PRESETS | {"in iterations": {"iterations": 20, "epochs": 30}},
    use_when="a network should be sparse from the first epoch on, and a hundred labelled images are at hand.",
    papers=[
        Paper("lee2018snip", ("Lee, Namhoon", "Ajanthan, Thalaiyasingam", "Torr, Philip H. S."),
              "SNIP: Single-shot Network Pruning based on Connection Sensitivity", 2018, arxiv="1810.02340"),
        Paper("dejorge2020progressive",
              ("de Jorge, Pau", "Sanyal, Amartya", "Behl, Harkirat S.", "Torr, Philip H. S.", "Rogez, Gregory",
               "Dokania, Puneet K."),
              "Progressive Skeletonization: Trimming more fat from a network at initialization", 2020, arxiv="2006.09081"),
    ],
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.pruning.comparison import compare

    return (yield from compare(params.label("snip"), _prune(params), params.terms(context), context))


def _prune(params: Params) -> Prune:
    from worker.pruning import criteria
    from worker.pruning.unstructured import prune

    turns = criteria.Rounds(params.iterations, params.schedule)
    search = criteria.snip(params.images_per_class, turns, per_batch=params.per_batch)
    return lambda subject: prune(subject, search, params.rules())
