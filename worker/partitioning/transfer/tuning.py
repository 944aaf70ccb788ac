"""A network with a transfer layer trained on, the best epoch of it kept by the validation part; killed, it goes on."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

from safetensors.torch import load, save
from torch import fx, nn

from worker.context import Checkpoints
from worker.datasets import Data
from worker.events import Event, Metric
from worker.partitioning.transfer.distilling import Distilling, criterion
from worker.partitioning.transfer.insertion import Placed
from worker.partitioning.transfer.rounding import settled
from worker.profiling.written import slug
from worker.training.loop import Diverged, Leg, Share, Trained, train
from worker.training.settings import Settings


@dataclass(frozen=True)
class Tuned:
    """`before` and `best`: validation accuracy right behind the insertion, and of the epoch that was kept (0: none was better).

    `broken`: why the training could not go on, in a sentence.
    """

    before: float
    best: float
    epoch: int
    epochs: int
    seconds: float = 0.0
    broken: str = ""


def tuned(
    placed: Placed, teacher: fx.GraphModule, data: Data, settings: Settings, *, variant: str, checkpoints: Checkpoints,
    share: Share, distilling: Distilling,
) -> Generator[Event, None, Tuned]:
    """Train `placed.network` in place; what it ends with are the weights of the best epoch, and it rounds as a plain layer."""
    keeper = _Keeper(placed.network, f"best-{slug(variant)}", variant, checkpoints)
    epochs, seconds, broken = 0, 0.0, ""
    with criterion(placed, teacher, distilling) as loss:
        training = train(placed.network, data, settings, variant=variant, checkpoints=checkpoints, share=share,
                         leg=Leg(name=slug(variant)), criterion=loss)
        try:
            done = yield from keeper.watching(training)
            epochs, seconds = done.epochs, done.seconds
        except Diverged as error:
            broken = str(error)
    keeper.restore()
    teacher.cpu()
    settled(placed.network)
    return Tuned(keeper.before, keeper.best, keeper.epoch, epochs, seconds, broken)


class _Keeper:
    """Keeps the weights of the best epoch in a checkpoint of their own. Of equals the later one: its steps were smaller."""

    def __init__(self, network: nn.Module, name: str, variant: str, checkpoints: Checkpoints) -> None:
        self.network, self.name, self.variant, self.checkpoints = network, name, variant, checkpoints
        known = checkpoints.last(name)
        self.epoch = known[0] if known else -1
        self.best = float(known[2]["accuracy"]) if known else 0.0
        self.before = 0.0

    def watching(self, training: Generator[Event, None, Trained]) -> Generator[Event, None, Trained]:
        """An epoch is said before its checkpoint is made: whoever is killed in between trains it again, to the same bits."""
        while True:
            try:
                event = next(training)
            except StopIteration as end:
                done: Trained = end.value
                return done
            if isinstance(event, Metric) and event.name == "accuracy" and event.labels.get("split") == "validation":
                self._judge(event.step or 0, event.value or 0.0)
            yield event

    def _judge(self, epoch: int, accuracy: float) -> None:
        self.before = accuracy if epoch == 0 else self.before
        if epoch > self.epoch and (accuracy >= self.best or self.epoch < 0):
            tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in self.network.state_dict().items()}
            self.checkpoints.save(self.name, epoch, save(tensors), {"accuracy": accuracy})
            self.epoch, self.best = epoch, accuracy

    def restore(self) -> None:
        known = self.checkpoints.last(self.name)
        if known is not None:
            self.network.cpu().load_state_dict(load(known[1]))
        self.network.eval()
