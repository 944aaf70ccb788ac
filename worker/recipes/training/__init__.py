"""Recipes of the kind `training`, and what they share: parameters and charts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from worker.budgets import Megabytes
from worker.context import Context
from worker.params import DatasetRef, ModelRef, Params, param
from worker.recipe import Chart

if TYPE_CHECKING:
    from worker.training.local.plan import Budget
    from worker.training.settings import Settings

ACCURACY = Chart("line", "Accuracy per epoch", y=("accuracy",), by="split", x_title="epoch",
                 y_title="accuracy", percent=True)
LOSS = Chart("line", "Loss per epoch", y=("loss",), by="split", x_title="epoch", y_title="training loss")
RATE = Chart("line", "Learning rate per epoch", y=("learning_rate",), by="split", x_title="epoch", y_title="learning rate")
PHASES = Chart("bars", "Time by phase", y=("phase_seconds",), x="phase", y_title="seconds")


MEMORY = Chart("bars", "Memory of the training step", y=("memory_mb",), x="block", by="figure",
               line="memory_budget_mb", line_title="memory budget", x_title="block", y_title="MB alive at once")
OVER_TIME = Chart("line", "Accuracy over training time", y=("accuracy_over_milliseconds",), steps_per_x=1000,
                  x_title="training time, s", y_title="validation accuracy", percent=True)


class LearningParams(Params):
    """What every way of training is told."""

    model: ModelRef = param(help="The network to train.", essential=True)
    dataset: DatasetRef = param(help="The data it learns from.", essential=True)
    epochs: int = param(10, help="How often all training images are seen.", unit="epochs", essential=True,
                        ge=0, le=10_000)
    learning_rate: float = param(0.05, help="The first learning rate; it falls to zero along a cosine. Changed while it "
                                            "runs, it falls from the new value from the next epoch on.",
                                 essential=True, live=True, gt=0, le=10)
    start: Literal["given", "initialisation", "restored"] = param(
        "given", help="Go on from the weights the model came with, or draw fresh ones. Restored: draw fresh ones and give "
                      "batch-norm again to a network that came with it folded into its convolutions.", essential=True)
    optimiser: Literal["sgd", "adam"] = param("sgd", help="SGD with momentum, or Adam.")
    momentum: float = param(0.9, help="Momentum of SGD.", ge=0, lt=1)
    weight_decay: float = param(5e-4, help="Decay of the weights, per step and unit of learning rate.", ge=0, le=1)
    clip_norm: float = param(1.0, help="Longer gradients are shortened to this, which keeps narrow networks without "
                                       "batch-norm alive; 0 leaves them.", ge=0, le=1e6)

    def settings(self, context: Context) -> Settings:
        """How the network is trained. Loads torch."""
        from worker.training.settings import Settings

        return Settings(epochs=self.epochs, learning_rate=self.learning_rate,
                        optimiser=self.optimiser, momentum=self.momentum, weight_decay=self.weight_decay,
                        clip_norm=self.clip_norm, seed=self.seed, live=lambda: context.live(self).learning_rate)


class TrainingParams(LearningParams):
    """What training a whole network at once is told."""

    batch_size: int = param(64, help="Images per training step; under a memory budget at most so many.", unit="images",
                            essential=True, ge=1, le=65_536)
    augment: Literal["none", "crop_flip"] = param(
        "none", help="Change the training images anew each epoch: cut out of a black frame 4 pixels wide, and half of them "
                     "mirrored. Good for photographs; digits and letters must not be mirrored.")

    def settings(self, context: Context) -> Settings:
        return replace(super().settings(context), batch_size=self.batch_size, augment=self.augment)


class MarginParams(Params):
    """How a memory budget is read."""

    margin: float = param(0.05, help="The share of the budget that is kept free for what no tensor shows, such as the workspace "
                                     "of a convolution.", ge=0, le=0.5)


class BudgetParams(MarginParams):
    """What training a whole network may be told of memory."""

    budget_mb: Megabytes = param(0, title="budget", zero="no budget", unit="MB", ge=0, le=1e6, help=(
        "Bytes that a training step may take, in MB of 1,000,000 or with a unit, as 500kB: weights, gradients, optimiser state, "
        "the batch, and all activations that live at once. The batch becomes the largest that fits, up to the batch size; 0 sets "
        "no limit."))

    def budget(self) -> Budget | None:
        """None where no limit is set. Loads torch."""
        from worker.training.local.plan import Budget

        return Budget(round(1e6 * self.budget_mb), self.margin) if self.budget_mb else None


class LocalParams(MarginParams, LearningParams):
    """What local learning is told."""

    epochs: int = param(10, help="How often each unit sees all training images.", unit="epochs", essential=True, ge=1, le=10_000)
    budget_mb: Megabytes = param(500, title="budget", unit="MB", essential=True, gt=0, le=1e6, help=(
        "Bytes that the training may take, in MB of 1,000,000 or with a unit, as 500kB: weights that are resident, gradients, "
        "optimiser states, the batch, and all activations that live at once."))
    most_batch: int = param(256, help="No training step takes more images, however large the budget. A thousand images learn "
                                      "sooner in steps of 8 or 16: large steps of few images are few steps.", unit="images", ge=1,
                            le=65_536)

    def budget(self, tolerance: float = 0.0) -> Budget:
        """Loads torch."""
        from worker.training.local.plan import Budget

        return Budget(round(1e6 * self.budget_mb), self.margin, self.most_batch, tolerance)
