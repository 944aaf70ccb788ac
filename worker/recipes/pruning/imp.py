"""Iterative magnitude pruning: train, prune the smallest weights, go back and train again, many times; accurate, and dear.

How it works: the whole network is trained; a fifth of its weights, the smallest, are set to zero; what is left goes back to what
it was early in that training and is trained once more. That is repeated until as few weights are left as were asked for: from
1 to 1/8 it takes ten trainings. Instead of weights and learning rate (rewind), only the learning rate may go back, or neither
(fine-tune).

Frankle, Carbin: "The Lottery Ticket Hypothesis: Finding Sparse, Trainable Neural Networks", 2018, arXiv 1803.03635. Going back
to an early step instead of the first: Frankle, Dziugaite, Roy, Carbin: "Linear Mode Connectivity and the Lottery Ticket
Hypothesis", 2019, arXiv 1912.05671. The other two ways: Renda, Frankle, Carbin: "Comparing Rewinding and Fine-tuning in Neural
Network Pruning", 2020, arXiv 2003.02389.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Literal

from worker.context import Context
from worker.events import Event
from worker.params import param
from worker.recipe import Chart, Paper, recipe
from worker.recipes.pruning import ACCURACY, DENSITY, EXAMPLE, LOSS, PHASES, RATE, TRADEOFF, MaskingParams

if TYPE_CHECKING:
    from worker.pruning.pruned import Prune

BY_LEVEL = Chart("line", "Accuracy at the end of each level", y=("level_accuracy",), x_title="level",
                 y_title="accuracy (validation)", percent=True)


class Params(MaskingParams):
    epochs: int = param(10, help="Epochs of a whole training. Every level is one, but for what is rewound.", unit="epochs",
                        essential=True, ge=1, le=10_000)
    warm_up_epochs: int = param(
        0, help="Epochs of training of the whole network before the first level: a short training. The first level then trains "
                "it again for all epochs, and what goes back goes no further than to after this one. The dense network is "
                "trained for these and the epochs after.", unit="epochs", ge=0, le=10_000)
    fraction: float = param(0.2, help="The part of the weights still left that each level prunes; the last level prunes what is "
                                      "missing to the sparsity.", essential=True, gt=0, lt=1)
    retrain: Literal["rewind", "learning_rate", "fine_tune"] = param(
        "rewind", help="After pruning: weights and learning rate go back to an early step, or the learning rate alone does, or "
                       "the network is trained on slowly as it is.", essential=True)
    rewind: float = param(0.03, help="The part of a training after which weights are kept and gone back to; 0 is the very "
                                     "beginning.", ge=0, lt=1)
    fine_tune_rate: float = param(0.1, help="Of the learning rate, the part that fine-tuning begins with.", gt=0, le=1)
    learning_rate: float = param(0.05, help="The first learning rate; it falls to zero along a cosine. Changed while the dense "
                                            "network is trained, it falls from the new value from the next epoch on; all "
                                            "levels have the rates of that training.", live=True, gt=0, le=10)


@recipe(
    "Iterative magnitude pruning", params=Params, makes="sparse",
    charts=[TRADEOFF, ACCURACY, BY_LEVEL, DENSITY, LOSS, RATE, PHASES],
    example=EXAMPLE | {"fraction": 0.5},
    presets={"quick look": {"epochs": 3, "sparsity": 0.75, "fraction": 0.5}, "careful": {"epochs": 30, "sparsity": 0.875},
             "one level": {"fraction": 0.875, "sparsity": 0.875, "retrain": "learning_rate"}},
    use_when="accuracy counts more than the time that a dozen trainings take.",
    papers=[
        Paper("frankle2018lottery", ("Frankle, Jonathan", "Carbin, Michael"),
              "The Lottery Ticket Hypothesis: Finding Sparse, Trainable Neural Networks", 2018, arxiv="1803.03635"),
        Paper("frankle2019linear", ("Frankle, Jonathan", "Dziugaite, Gintare Karolina", "Roy, Daniel M.", "Carbin, Michael"),
              "Linear Mode Connectivity and the Lottery Ticket Hypothesis", 2019, arxiv="1912.05671"),
        Paper("renda2020comparing", ("Renda, Alex", "Frankle, Jonathan", "Carbin, Michael"),
              "Comparing Rewinding and Fine-tuning in Neural Network Pruning", 2020, arxiv="2003.02389"),
    ],
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.pruning.comparison import compare

    return (yield from compare(params.label("imp"), _prune(params), params.terms(context), context))


def _prune(params: Params) -> Prune:
    from worker.pruning.lottery import Ways, prune

    ways = Ways(params.fraction, params.retrain, params.rewind, params.fine_tune_rate)
    return lambda subject: prune(subject, params.rules(), ways)
