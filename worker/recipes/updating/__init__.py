"""Recipes of the kind `updating`, and what they share: parameters and charts."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Literal

from worker.context import Context
from worker.events import Event
from worker.params import DatasetRef, ModelRef, Params, param
from worker.recipe import Chart, Paper

if TYPE_CHECKING:
    from worker.updating.course import Plan
    from worker.updating.ways import Restart, Way

EXAMPLE: dict[str, Any] = {"model": "lenet5", "dataset": "digits", "first_images": 100, "round_images": 150, "rounds": 2,
                           "epochs": 1, "tuning_epochs": 1}
PRESETS: dict[str, dict[str, Any]] = {
    "quick look": {"rounds": 3, "epochs": 3, "tuning_epochs": 3},
    "as published": {"first_images": 1000, "round_images": 1000, "epochs": 30, "tuning_epochs": 30, "rate": 0.005}}
ACCURACY = Chart("line", "Accuracy on the edge after each round", y=("edge_accuracy",), by="variant", x_title="round",
                 y_title="accuracy, test", percent=True)
BYTES = Chart("line", "Bytes sent in each round", y=("sent_bytes",), by="variant", x_title="round", y_title="bytes")
IN_ALL = Chart("line", "Bytes sent so far", y=("sent_in_all_bytes",), by="variant", x_title="round", y_title="bytes")
PARTS = Chart("bars", "What the bytes of all updates are", y=("part_bytes",), x="part", y_title="bytes")
PHASES = Chart("bars", "Time by phase", y=("phase_seconds",), x="phase", y_title="seconds")
FULL = "full updating"
CHARTS = [ACCURACY, BYTES, IN_ALL, PARTS, PHASES]
PAPER = Paper("qu2022deep", ("Qu, Zhongnan", "Liu, Cong", "Thiele, Lothar"),
              "Deep Partial Updating: Towards Communication Efficient Updating for On-device Inference", 2022, venue="ECCV 2022",
              arxiv="2007.03071")


ANEW = ("Begin a round with the first network again, which the edge keeps, once there are more than twice the images of the last "
        "such beginning.")


class UpdatingParams(Params):
    """What every way of updating is told."""

    model: ModelRef = param(help="The network on the edge device, as it is before the first round.", essential=True)
    dataset: DatasetRef = param(help="Its training images come in bit by bit; its validation part decides what is sent.",
                                essential=True)
    first_images: int = param(200, help="Training images that the server has in the first round.", unit="images", essential=True,
                              ge=2, le=10_000_000)
    round_images: int = param(100, help="Images that come in before each further round.", unit="images", essential=True, ge=1,
                              le=10_000_000)
    rounds: int = param(10, help="Rounds of training and sending; fewer where all images are used up before.", unit="rounds",
                        essential=True, ge=1, le=1000)
    epochs: int = param(10, help="Epochs of the first step of a round, in which every weight may move.", unit="epochs", ge=1,
                        le=1000)
    tuning_epochs: int = param(10, help="Epochs of the second step, in which only the chosen weights move. Ways without a choice "
                                        "in between train for the sum of both.", unit="epochs", ge=0, le=1000)
    start: Literal["given", "initialisation"] = param(
        "given", help="The edge begins with the weights that the model came with, or with fresh ones.")
    optimiser: Literal["adam", "sgd"] = param("adam", help="Adam, or SGD with Nesterov's momentum.")
    rate: float = param(0.003, help="The learning rate that each step of a round begins with; it falls to zero along a cosine. "
                                    "The same in every round, so that rounds and ways can be compared.", gt=0, le=10)
    momentum: float = param(0.9, help="Momentum of SGD.", ge=0, lt=1)
    weight_decay: float = param(0.0, help="Decay of the weights; those that are not chosen do not decay.", ge=0, le=1)
    batch_size: int = param(32, help="Images per training step.", unit="images", ge=1, le=65_536)

    def plan(self) -> Plan:
        """The rounds and how is trained in them. Loads torch."""
        from worker.training.settings import Settings
        from worker.updating.course import Plan

        training = Settings(epochs=self.epochs, batch_size=self.batch_size, learning_rate=self.rate, optimiser=self.optimiser,
                            momentum=self.momentum, weight_decay=self.weight_decay, clip_norm=0.0, seed=self.seed)
        return Plan(training, self.tuning_epochs, self.first_images, self.round_images, self.rounds)


class PartialParams(UpdatingParams):
    """What ways are told that send few weights."""

    ratio: float = param(0.01, help="Fraction of the weights of convolutions and matrices that an update may change; biases, "
                                    "batch-norm and its statistics are always sent and counted apart.",
                         essential=True, ge=0, le=1)
    reference: bool = param(True, help="Follow full updating beside it, with the same images in the same order.")

    def label(self, way: str) -> str:
        """The edge's name in charts, e.g. `dpu 0.01`."""
        return f"{way} {self.ratio:g}"


class RestartingParams(PartialParams):
    """What ways are told that may begin anew."""

    reinitialise: bool = param(True, help=f"{ANEW} A few weights then say more than they could of a network that was fitted to "
                                          "little data.")

    @property
    def restart(self) -> Restart:
        return "doubled" if self.reinitialise else "never"


def followed(way: Way, params: PartialParams, context: Context) -> Generator[Event, None, dict[str, Any]]:
    """The run: this way, and full updating beside it if it was asked for."""
    from worker.updating.as_run import updated
    from worker.updating.ways import full

    ways = [way, full(FULL)] if params.reference else [way]
    return (yield from updated(params.plan(), ways, start=params.start, context=context))
