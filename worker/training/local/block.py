"""A block of units learns: each batch goes through its units one after another, and each learns from it by its own exit."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from worker.context import Checkpoints
from worker.datasets import Data
from worker.events import Event, Log, Metric, Progress
from worker.profiling.pulse import Pulse
from worker.training import live, snapshot
from worker.training.accuracy import Score
from worker.training.batches import EPOCHS_A_SEED, EVALUATION, order
from worker.training.limits import MEMORY, measured, over_time, peak_of
from worker.training.local.cache import Source
from worker.training.local.learner import UnitLearner
from worker.training.local.plan import PlannedBlock
from worker.training.loop import HOPELESS, Diverged
from worker.training.memory.meter import Meter
from worker.training.rates import Rates
from worker.training.settings import Settings

BETWEEN_BLOCKS = 10_007  # more than a training has epochs


@dataclass(frozen=True)
class Place:
    """Where a block stands in its run: `number` of `count`; so many seconds and the best accuracy lie before it."""

    number: int
    count: int
    seconds: float = 0.0
    accuracy: float = 0.0

    @property
    def name(self) -> str:
        return f"block-{self.number}"


@dataclass(frozen=True)
class Finished:
    """`accuracies`: of each exit on the validation part, in the order of the units."""

    accuracies: tuple[float, ...]
    seconds: float
    measured_bytes: int


class Block:
    """Units of a block with their exits, on the device, and the samples they learn from."""

    def __init__(
        self, learners: Sequence[UnitLearner], planned: PlannedBlock, source: Source, data: Data, settings: Settings,
        place: Place, device: torch.device,
    ) -> None:
        self.learners, self.planned, self.source, self.data = learners, planned, source, data
        self.settings, self.place, self.device = settings, place, device
        self.meter, self.pulse = Meter(device, self._tensors()), Pulse()

    def train(self, checkpoints: Checkpoints) -> Generator[Event, None, Finished]:
        """All epochs, those of an earlier attempt only told; a kill costs one epoch at most."""
        name, last = self.place.name, self.settings.epochs
        history = self._restored(checkpoints.last(f"training-{name}"))
        resumed = history is not None
        if history is None:
            history = snapshot.History((yield from live.first(self.settings, checkpoints, name)))
        history.rates = yield from live.again(history.rates, self.settings, checkpoints, name, history.epoch + 1)
        yield from history.metrics
        if resumed and history.epoch < last:
            yield Log(message=f"Block {self.place.number} goes on after epoch {history.epoch} of {last}, from its checkpoint.")
        for epoch in range(history.epoch + 1, last + 1):
            begun = time.monotonic()
            try:
                said = yield from self._epoch(epoch, history.rates)
            except Diverged:
                live.diverged(checkpoints, name, epoch)
                raise
            history.epoch, history.seconds = epoch, history.seconds + time.monotonic() - begun
            said += list(self._told(history, said))
            history.metrics += said
            yield from said
            if epoch < last:
                history.rates = yield from live.following(history.rates, self.settings, epoch + 1)
            checkpoints.save(f"training-{name}", epoch, snapshot.pack_all(self._pairs()), history.as_facts())
        for learner in self.learners:
            learner.train(False)
        return Finished(tuple(self._last(history)), history.seconds, peak_of(history.metrics))

    def through(self, samples: Tensor) -> Tensor:
        """What the block, frozen, makes of samples."""
        samples = samples.to(self.device)
        with torch.inference_mode():
            for learner in self.learners:
                samples = learner.unit(samples)
        return samples

    def _tensors(self) -> list[Tensor]:
        return [tensor for learner in self.learners for tensor in learner.tensors()]

    def _pairs(self) -> list[tuple[nn.Module, torch.optim.Optimizer]]:
        return [(nn.ModuleList([learner.unit, learner.head]), learner.optimiser) for learner in self.learners]

    def _restored(self, saved: tuple[int, bytes, dict[str, object]] | None) -> snapshot.History | None:
        if saved is None:
            return None
        snapshot.unpack_all(saved[1], self._pairs())
        return snapshot.History.from_facts(saved[2])

    def _exit(self, place: int) -> str:
        return f"exit {self.planned.first + place}"

    def _epoch(self, epoch: int, rates: Rates) -> Generator[Event, None, list[Metric]]:
        """Trained and judged before any of it is said: an epoch that ran away leaves nothing that a retry would contradict."""
        losses, accuracies = yield from self._steps(epoch, rates)
        for place, loss in enumerate(losses):
            self._refuse_divergence(place, loss, epoch, rates)
        scores = yield from self._judged()
        if not all(score.finite for score in scores):
            raise self._diverged("some of its answers are no finite numbers any more", 0, epoch, rates)
        block = f"block {self.place.number}"
        said = [Metric(name="learning_rate", value=rates.at(epoch, self.settings.epochs), step=epoch, labels={"variant": block})]
        for place, (loss, right, found) in enumerate(zip(losses, accuracies, scores, strict=True)):
            for name, value, split in (("loss", loss, "train"), ("accuracy", right, "train"),
                                       ("accuracy", found.accuracy, "validation")):
                said.append(Metric(name=name, value=value, step=epoch, labels={"exit": self._exit(place), "split": split}))
        return said

    def _steps(self, epoch: int, rates: Rates) -> Generator[Event, None, tuple[list[float], list[float]]]:
        settings, labels = self.settings, torch.as_tensor(self.data.parts["train"].labels)
        batches = order(len(labels), self.planned.batch, seed=settings.seed, epoch=epoch, strict=True)
        # Dropout draws the same in an epoch that a killed process had begun.
        torch.manual_seed(settings.seed * EPOCHS_A_SEED + BETWEEN_BLOCKS * self.place.number + epoch)
        sums = torch.zeros(2, len(self.learners), device=self.device)
        for learner in self.learners:
            learner.train()
        for position, index in enumerate(batches):
            rate = rates.at(epoch, settings.epochs, step=position, steps=len(batches))
            sums += self._step(index, labels[index].to(self.device), rate)
            if self.pulse.due():
                yield self._progress(epoch - 1 + (position + 1) / len(batches))
        yield self._progress(epoch)
        loss, right = (sums / sum(map(len, batches))).tolist()
        return loss, right

    def _step(self, index: Tensor, labels: Tensor, rate: float) -> Tensor:
        """Sums of losses and of right answers by unit. Each unit's samples are gone before the next unit learns: nobody but this
        name may hold them."""
        samples, found = self.source.take("train", index).to(self.device), []
        self.meter.begin(self._tensors(), (samples, labels))
        for learner in self.learners:
            learner.rate(rate)
            with self.meter.counted():
                stepped = learner.step(samples, labels)
            samples = stepped.result
            found.append(torch.stack((stepped.loss * len(labels), stepped.right.to(torch.float32))))
            del stepped
        self.meter.end()
        return torch.stack(found, 1)

    def _judged(self) -> Generator[Event, None, list[Score]]:
        """Each exit on the validation part, in steps no larger than those of the training."""
        labels = torch.as_tensor(self.data.parts["validation"].labels)
        right, finite = [0] * len(self.learners), [True] * len(self.learners)
        batch = min(EVALUATION, self.planned.batch)
        for learner in self.learners:
            learner.train(False)
        for begin in range(0, len(labels), batch):
            some = slice(begin, begin + batch)
            samples = self.source.take("validation", some).to(self.device)
            for place, learner in enumerate(self.learners):
                with torch.inference_mode():
                    samples = learner.unit(samples)
                    answers = learner.head(samples)
                right[place] += int((answers.argmax(1).cpu() == labels[some]).sum())
                finite[place] &= bool(answers.isfinite().all())
            if self.pulse.due():
                yield Progress(done=begin, total=len(labels), stage="validation images")
        return [Score(count, len(labels), fine) for count, fine in zip(right, finite, strict=True)]

    def _told(self, history: snapshot.History, said: Sequence[Metric]) -> Iterator[Metric]:
        if self.meter.peak_bytes and not any(metric.name == MEMORY for metric in history.metrics):
            yield measured(self.planned.name, self.meter.peak_bytes)
        best = max(metric.value or 0.0 for metric in said if metric.labels.get("split") == "validation")
        yield over_time(self.place.seconds + history.seconds, max(best, self.place.accuracy))

    def _last(self, history: snapshot.History) -> Iterator[float]:
        for place in range(len(self.learners)):
            found = [metric.value for metric in history.metrics if metric.name == "accuracy"
                     and metric.labels.get("exit") == self._exit(place) and metric.labels["split"] == "validation"]
            yield (found[-1] if found else None) or 0.0

    def _refuse_divergence(self, place: int, loss: float, epoch: int, rates: Rates) -> None:
        guessing = math.log(max(self.data.classes, 2))
        if not math.isfinite(loss):
            raise self._diverged("its loss is no finite number any more", place, epoch, rates)
        if loss > HOPELESS * guessing:
            raise self._diverged(f"its loss is {loss:.3g}, and guessing has {guessing:.2g}", place, epoch, rates)

    def _diverged(self, what: str, place: int, epoch: int, rates: Rates) -> Diverged:
        clip = "" if self.settings.clip_norm else " and a clip norm of 1"
        return Diverged(f"The training of {self._exit(place)} diverged in epoch {epoch} of block {self.place.number}: {what}; "
                        f"try a learning rate below {rates.latest:g}{clip}.")

    def _progress(self, epoch: float) -> Progress:
        epochs = self.settings.epochs
        return Progress(done=(self.place.number - 1) * epochs + epoch, total=self.place.count * epochs, stage="epochs")
