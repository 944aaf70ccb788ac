"""DNNShifter: many variants from one search, each a level of iterative pruning, made small without changing an answer.

How it works: the network is trained, its smallest weights are pruned, the others go back to what they were at an early step, and
it is trained again under the mask; so level after level. Each level is a sparse network, trained to its end. Channels that its
zeros left empty are removed, which changes no answer: that is checked on every test image. The levels nearest to compressions
1, 2, 4, 8 and so on, and the last, are the portfolio. Which of them serves at which moment is the switcher's task, a recipe of
its own: portfolio.switching.

Eccles, Rodgers, Kilpatrick, Spence, Varghese: "DNNShifter: An Efficient DNN Pruning System for Edge Computing", 2023,
arXiv 2309.06973. Sizes, speed and memory are said against the sparse network of the same level, batch-norm folded in both.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Literal

from worker.context import Context
from worker.events import Event
from worker.params import DatasetRef, ModelRef, param
from worker.recipe import Chart, recipe
from worker.recipes.portfolio import DNNSHIFTER
from worker.recipes.pruning import TRADEOFF
from worker.recipes.training import TrainingParams

if TYPE_CHECKING:
    from worker.portfolio.dnnshifter import Terms

SMALLER = Chart("line", "Smaller than the sparse network, by level", y=("spatial_compression", "memory_saving"), x_title="level",
                y_title="times less")
FASTER = Chart("line", "Faster than the fused sparse network, by level", y=("latency_speed_up",), by="timing",
               x_title="level", y_title="times faster")
BY_LEVEL = Chart("line", "Accuracy by level", y=("level_accuracy",), x_title="level", y_title="accuracy (test)", percent=True)
LEFT = Chart("line", "Weights left, by level", y=("level_density",), x_title="level", y_title="weights left", percent=True)
CURVE = Chart("line", "Accuracy, level after level", y=("accuracy",), by="split", x_title="epoch of all levels",
              y_title="accuracy", percent=True)
DENSITY = Chart("bars", "Density by layer, the last level", y=("density",), x="layer", y_title="weights left", percent=True)
PHASES = Chart("bars", "Time by phase", y=("phase_seconds",), x="phase", y_title="seconds")


class Params(TrainingParams):
    model: ModelRef = param(help="The network that the variants are made of.", essential=True)
    dataset: DatasetRef = param(help="The data it is trained and judged with.", essential=True)
    epochs: int = param(10, help="Epochs of a whole training. Every level is one, but for what is rewound.", unit="epochs",
                        essential=True, ge=1, le=10_000)
    levels: int = param(10, help="How often it is pruned and trained again.", unit="levels", essential=True, ge=1, le=100)
    fraction: float = param(0.2, help="The part of the weights still left that each level prunes; 25 levels of 0.2 leave 0.4 %.",
                            essential=True, gt=0, lt=1)
    rewind: float = param(0.03, help="The part of a training after which weights are kept and gone back to; 0 is the very "
                                     "beginning.", ge=0, lt=1)
    portfolio: Literal["grid", "all"] = param(
        "grid", help="Offer the levels nearest to compressions 1, 2, 4, 8 and so on and the last, or all of them.")
    learning_rate: float = param(0.05, help="The first learning rate; it falls to zero along a cosine. Changed while the dense "
                                            "network is trained, it falls from the new value from the next epoch on; all "
                                            "levels have the rates of that training.", live=True, gt=0, le=10)
    batch_size: int = param(64, help="Images per training step.", unit="images", ge=1, le=65_536)
    classifier: bool = param(False, help="Prune the last layer too.")
    round_to: int = param(1, help="Keep widths at multiples of this when emptied channels are removed; 8 often runs faster.",
                          unit="channels", ge=1, le=64)
    latency_batch: int = param(1, help="Images per timed inference; the latency is that of the whole batch.", unit="images",
                               ge=1, le=1024)

    def terms(self, context: Context) -> Terms:
        """How the levels are made, and which are offered. Loads torch."""
        from worker.portfolio.dnnshifter import Terms
        from worker.sparsity.lottery import Plan, fixed

        plan = Plan(fixed(self.fraction, self.levels), rewind=self.rewind, classifier=self.classifier)
        return Terms(self.settings(context), plan, start=self.start, everything=self.portfolio == "all", round_to=self.round_to,
                     latency_batch=self.latency_batch)


@recipe(
    "DNNShifter", params=Params, makes="smaller", charts=[TRADEOFF, CURVE, BY_LEVEL, SMALLER, FASTER, LEFT, DENSITY, PHASES],
    example={"model": "lenet5", "dataset": "digits", "epochs": 2, "levels": 2, "fraction": 0.5},
    presets={"quick look": {"epochs": 3, "levels": 6, "fraction": 0.4}, "down to 0.4 %": {"levels": 25, "fraction": 0.2},
             # The rate falls along a cosine here as in every preset, not in steps.
             "160 epochs a level": {"levels": 25, "fraction": 0.2, "rewind": 0.032, "epochs": 160, "learning_rate": 0.1,
                                    "batch_size": 128, "weight_decay": 1e-4, "clip_norm": 0.0, "augment": "crop_flip"}},
    use_when="one network has to serve devices, or hours, that differ: the variants are there to choose among.",
    papers=[DNNSHIFTER],
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.portfolio.dnnshifter import portfolio

    return (yield from portfolio(params.terms(context), context))
