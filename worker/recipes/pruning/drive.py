"""DRIVE: train a few epochs, drop the weights that are small, cheap to cut and settled, in quick rounds, and train on.

How it works: the whole network is trained for some epochs first. Then, in many rounds without any training between them, some
images are run forwards and backwards once and each weight is judged by three terms: its size, how much the loss would change if
it were cut (size times gradient), and how far it is from having settled (the gradient alone). The lowest scores are set to zero,
a few more each round, and what is left is trained on. A round costs one pass through a few images, where iterative magnitude
pruning trains the network again.

Saikumar, Varghese: "DRIVE: Dual Gradient-Based Rapid Iterative Pruning", 2024, arXiv 2404.03687. How the terms are combined, the
number of epochs before and of rounds, and the images that are judged by are reconstructions, so they are parameters here.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Literal

from worker.context import Context
from worker.events import Event
from worker.params import param
from worker.recipe import Paper, recipe
from worker.recipes.pruning import CHARTS, EXAMPLE, MaskingParams

if TYPE_CHECKING:
    from worker.pruning.pruned import Prune


class Params(MaskingParams):
    warm_up_epochs: int = param(
        2, help="Epochs of training of the whole network before it is pruned, without which the size of a weight says little. "
                "The dense network is trained for these and the epochs after.", unit="epochs", essential=True, ge=0, le=10_000)
    iterations: int = param(50, help="In how many rounds the weights are pruned; the scores are taken anew in each.",
                            unit="rounds", ge=1, le=10_000)
    schedule: Literal["exponential", "linear"] = param(
        "exponential", help="Each round prunes the same part of what is left, or the same number of weights.")
    combine: Literal["sum_norm", "sum_raw", "prod"] = param(
        "sum_norm", help="Sum_norm adds the three terms, each as a part of its total, so that all weigh the same; sum_raw adds "
                         "them as they are, which is much like size alone; prod multiplies them, which ranks as SNIP does.")
    terms_used: Literal["all", "magnitude", "connection", "convergence"] = param(
        "all", help="All three terms, or one alone to see what it is worth: the size, what cutting costs, or the distance from "
                    "having settled.")
    images_per_class: int = param(10, help="Training images of each class that the scores are taken on, all of a class that has "
                                           "fewer; they are not augmented.", unit="images", ge=1, le=10_000)
    scoring_batch: int = param(0, help="Take the scores on one batch of so many training images drawn by lot instead; 0 takes "
                                       "images of each class.", unit="images", ge=0, le=65_536)
    weights_after: Literal["keep", "rewind"] = param(
        "keep", help="Train on from the weights that were pruned, or go back to those from before the first epochs; those begin "
                     "with the learning rate that has fallen by then, and get as many epochs fewer than the dense network.")


@recipe(
    "DRIVE", params=Params, makes="sparse", charts=CHARTS,
    example=EXAMPLE | {"warm_up_epochs": 1, "epochs": 1, "iterations": 5},
    presets={"quick look": {"warm_up_epochs": 1, "epochs": 3, "iterations": 20, "sparsity": 0.9},
             "careful": {"warm_up_epochs": 2, "epochs": 30, "iterations": 50, "sparsity": 0.98}},
    use_when="very few weights should be left, and there is no time to train the network again and again as iterative magnitude "
             "pruning does.",
    papers=[Paper("saikumar2024drive", ("Saikumar, Dhananjay", "Varghese, Blesson"),
                  "DRIVE: Dual Gradient-Based Rapid Iterative Pruning", 2024, arxiv="2404.03687")],
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.pruning.comparison import compare

    return (yield from compare(params.label("drive"), _prune(params), params.terms(context), context))


def _prune(params: Params) -> Prune:
    from worker.pruning import drive
    from worker.pruning.criteria import Rounds

    chosen = drive.TERMS if params.terms_used == "all" else (params.terms_used,)
    knobs = drive.Knobs(combine=params.combine, terms=chosen, rounds=Rounds(params.iterations, params.schedule),
                        images_per_class=params.images_per_class, batch=params.scoring_batch, after=params.weights_after)
    return lambda subject: drive.prune(subject, params.rules(), knobs)
