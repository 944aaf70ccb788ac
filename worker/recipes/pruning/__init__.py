"""Recipes of the kind `pruning`, and what they share: parameters and charts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from worker.context import Context
from worker.params import DatasetRef, ModelRef, Params, param
from worker.recipe import Chart

if TYPE_CHECKING:
    from worker.pruning.terms import Terms
    from worker.pruning.unstructured import Rules

EXAMPLE = {"model": "lenet5", "dataset": "digits", "sparsity": 0.75, "epochs": 2}
PRESETS = {"quick look": {"epochs": 3, "sparsity": 0.75}, "careful": {"epochs": 30, "sparsity": 0.875}}
TRADEOFF = Chart("tradeoff", "Accuracy against latency", y=("accuracy",), x="latency_ms_p50",
                 x_title="latency, ms (p50, ONNX Runtime)", y_title="accuracy", percent=True)
ACCURACY = Chart("line", "Accuracy per epoch", y=("accuracy",), by="variant", x_title="epoch",
                 y_title="accuracy", percent=True)
LOSS = Chart("line", "Loss per epoch", y=("loss",), by="variant", x_title="epoch", y_title="training loss")
DENSITY = Chart("bars", "Density by layer", y=("density",), x="layer", y_title="weights left", percent=True)
RATE = Chart("line", "Learning rate per epoch", y=("learning_rate",), by="variant", x_title="epoch", y_title="learning rate")
PHASES = Chart("bars", "Time by phase", y=("phase_seconds",), x="phase", y_title="seconds")
# What the page of every method that prunes single weights shows.
CHARTS = [TRADEOFF, ACCURACY, DENSITY, LOSS, RATE, PHASES]


class GivenParams(Params):
    """What is pruned."""

    model: ModelRef = param(help="The network to prune.", essential=True)
    dataset: DatasetRef = param(help="The data it is trained and judged with.", essential=True)


class SparsityParams(Params):
    """How much, for methods that count weights."""

    sparsity: float = param(0.875, help="Fraction of the prunable weights that is pruned; 0.875 leaves one in eight.",
                            essential=True, gt=0, lt=1)


class TrainingParams(Params):
    """How the network is trained before and afterwards, and compared."""

    epochs: int = param(10, help="Epochs of training after pruning; 0 prunes, and measures what is left.", unit="epochs",
                        essential=True, ge=0, le=10_000)
    start: Literal["given", "initialisation"] = param(
        "given", help="Prune the weights the model came with, or draw fresh ones first.", essential=True)
    warm_up_epochs: int = param(0, help="Epochs of training of the whole network before it is pruned: a short training. The "
                                        "dense network is trained for these and the epochs after.",
                                unit="epochs", ge=0, le=10_000)
    recalibrate_batches: int = param(
        0, help="Training batches from which batch-norm statistics are computed anew after pruning, the weights left as they "
                "are; 50 often restore much of the accuracy of a network that is not trained on, 0 keeps the old statistics.",
        unit="batches", ge=0, le=10_000)
    learning_rate: float = param(0.05, help="The first learning rate; it falls to zero along a cosine over all epochs, those "
                                            "before pruning too. Changed while a run trains, it falls from the new value "
                                            "from the next epoch on; the dense network is given the same rates.",
                                 live=True, gt=0, le=10)
    batch_size: int = param(64, help="Images per training step.", unit="images", ge=1, le=65_536)
    optimiser: Literal["sgd", "adam"] = param("sgd", help="SGD with momentum, or Adam.")
    momentum: float = param(0.9, help="Momentum of SGD.", ge=0, lt=1)
    weight_decay: float = param(5e-4, help="Decay of the weights, per step and unit of learning rate.", ge=0, le=1)
    clip_norm: float = param(1.0, help="Longer gradients are shortened to this, which keeps narrow networks without "
                                       "batch-norm alive; 0 leaves them.", ge=0, le=1e6)
    augment: Literal["none", "crop_flip"] = param(
        "none", help="Change the training images anew each epoch: cut out of a black frame 4 pixels wide, and half of them "
                     "mirrored. Good for photographs; digits and letters must not be mirrored.")
    reference: bool = param(True, help="Train the dense network for as many epochs too, so that like is compared with "
                                       "like; weights that came trained are compared as they are.")
    latency_batch: int = param(1, help="Images per timed inference; the latency is that of the whole batch.",
                               unit="images", ge=1, le=1024)

    def terms(self, context: Context) -> Terms:
        """How the pruned network is trained and compared. Loads torch."""
        from worker.pruning.terms import Terms
        from worker.training.settings import Settings

        training = Settings(epochs=self.epochs, batch_size=self.batch_size, learning_rate=self.learning_rate,
                            optimiser=self.optimiser, momentum=self.momentum, weight_decay=self.weight_decay,
                            clip_norm=self.clip_norm, seed=self.seed, augment=self.augment,
                            live=lambda: context.live(self).learning_rate)
        return Terms(training, start=self.start, warm_up=self.warm_up_epochs, recalibrate=self.recalibrate_batches,
                     reference=self.reference, latency_batch=self.latency_batch)


class PruningParams(TrainingParams, SparsityParams, GivenParams):
    """What a pruning method is told that counts weights. The last base comes first in forms."""

    def label(self, method: str) -> str:
        """The pruned variant's name, e.g. `reconvene 0.875`."""
        return f"{method} {self.sparsity:g}"


class MaskingParams(PruningParams):
    """What methods are told that prune single weights."""

    compact: bool = param(True, help="Remove the channels that pruning left empty, as far as that is exact; else the zeros "
                                     "stay where they are.")
    scope: Literal["global", "local"] = param(
        "global", help="Rank all weights together, or keep the same part of every layer.")
    classifier: bool = param(False, help="Prune the last layer too.")
    round_to: int = param(
        1, help="Keep widths at multiples of this when emptied channels are removed; 8 often runs faster.",
        unit="channels", ge=1, le=64)
    control: Literal["none", "shuffle", "reinitialise", "invert"] = param(
        "none", help="A check of what the score is worth: draw by lot which weights of each layer stay, as many as it left "
                     "there; draw all weights afresh after pruning; or keep the weights with the lowest scores.")

    def terms(self, context: Context) -> Terms:
        return replace(super().terms(context), compact=self.compact)

    def rules(self) -> Rules:
        """Which weights go. Loads torch."""
        from worker.pruning.unstructured import Rules

        return Rules(1 - self.sparsity, scope=self.scope, classifier=self.classifier, round_to=self.round_to,
                     control=self.control, seed=self.seed)
