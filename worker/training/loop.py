"""Train epoch by epoch: metrics, a checkpoint, the next epoch; killed and resumed, it ends with the same bits."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass

import torch

from worker.context import Checkpoints
from worker.datasets import Data
from worker.events import Event, Log, Metric, Progress
from worker.profiling.pulse import Pulse
from worker.training import augmentation, live, snapshot
from worker.training.accuracy import Score, score
from worker.training.batches import EVALUATION, order, shuffled
from worker.training.hardware import chosen, resting, working
from worker.training.limits import MEMORY, WHOLE_NETWORK, Limits, measured, over_time, peak_of
from worker.training.memory.meter import Meter
from worker.training.rates import Rates
from worker.training.settings import Settings
from worker.training.stepping import Criterion, Hold, WholeLearner

__all__ = ["WHOLE", "Criterion", "Diverged", "Hold", "Leg", "Share", "Stepped", "Trained", "train"]

Stepped = Callable[[int], None]


# A classifier that guesses has a loss of ln(classes); what is this many times worse does not find its way back.
HOPELESS = 100


class Diverged(ValueError):
    """The loss, the weights or the answers ran away; training on would only warm the room."""


@dataclass(frozen=True)
class Share:
    """`before`: epochs that the run has trained already; `total`: epochs it will train in all.

    `span`: which share of the run's training work this one is, from and to, where its epochs cost another price than
    those of the run's other trainings; none where all epochs cost the same.
    """

    before: int
    total: int
    span: tuple[float, float] | None = None

    def part(self, done: float) -> float | None:
        """The share of the run's training work behind it when this training's share `done` (0 to 1) is."""
        if self.span is None:
            return None
        begin, end = self.span
        return min(1.0, begin + (end - begin) * done)


@dataclass(frozen=True)
class Leg:
    """Some of the epochs that `settings` counts: those behind `after`, up to `until` or the last.

    The learning rate falls over all of them, so that legs one after another follow one curve; `rates` are those of the
    leg before. `name` is this leg's among checkpoints, where the variant has several. `judged`: what it sets out from
    was said by the leg before. `skip`: steps of its first epoch that are behind the weights as well.
    """

    after: int = 0
    until: int | None = None
    rates: Rates | None = None
    name: str = ""
    judged: bool = False
    skip: int = 0


WHOLE = Leg()


@dataclass(frozen=True)
class Trained:
    """How many epochs were trained here, and what that took, attempts that were killed counted in. `skipped`: the part of the
    first epoch that was behind it. `peak_bytes`: what its steps took at most, where that was measured."""

    epochs: int
    seconds: float
    validation_accuracy: float | None
    rates: Rates
    skipped: float = 0.0
    peak_bytes: int = 0


def train(
    network: torch.nn.Module, data: Data, settings: Settings, *,
    variant: str, checkpoints: Checkpoints, hold: Hold | None = None, share: Share | None = None,
    leg: Leg = WHOLE, stepped: Stepped | None = None, criterion: Criterion | None = None, limits: Limits | None = None,
    is_clocked: bool = False,
) -> Generator[Event, None, Trained]:
    """Train `network` in place. `hold` is called after every backward pass and after every step, e.g. to keep pruned
    weights and their gradients at zero; `stepped` is told after every step how many there were, from the first epoch on.
    `criterion` is what gets less: cross-entropy, where nothing else is wanted. `limits`: a memory budget that is kept to.
    `is_clocked`: tell what its first steps took of memory, and how accurate it was after how long, without a budget too.
    `share` says which of a run's epochs these are, where it trains more than one network; `leg` which of the network's.

    Resumes from the last checkpoint named after the variant, saying the metrics of its history once more first.
    """
    last = settings.epochs if leg.until is None else leg.until
    training = _Training(network, data, settings, variant, hold, share or Share(0, last - leg.after), range(leg.after, last),
                         limits, is_clocked)
    training.skip, training.stepped = leg.skip, stepped
    training.learner.criterion = criterion or training.learner.criterion
    known = leg.name or variant
    name = f"training-{known}"
    history = training.restore(checkpoints.last(name))
    resumed = history is not None
    if history is None:
        history = snapshot.History((yield from live.first(settings, checkpoints, known, leg.rates, leg.after + 1)), leg.after)
    history.rates = yield from live.again(history.rates, settings, checkpoints, known, history.epoch + 1)
    yield from history.metrics
    if resumed and history.epoch < last:
        yield Log(message=f"{variant} goes on after epoch {history.epoch} of {settings.epochs}, from its checkpoint.")
    if not resumed and not leg.judged:
        yield from _said(history, training.before())
    for epoch in range(history.epoch + 1, last + 1):
        begun = time.monotonic()
        try:
            yield from _said(history, training.epoch(epoch, history.rates))
        except Diverged:
            live.diverged(checkpoints, known, epoch)
            raise
        history.epoch = epoch
        history.seconds += time.monotonic() - begun
        yield from _said(history, training.clocked(history))
        if epoch < settings.epochs:
            history.rates = yield from live.following(history.rates, settings, epoch + 1)
        checkpoints.save(name, epoch, snapshot.pack(network, training.optimiser), history.as_facts())
    resting(network).eval()
    return Trained(history.epoch - leg.after, history.seconds, _last_validation(history), history.rates,
                   leg.skip / training.steps_an_epoch if leg.skip else 0.0, peak_of(history.metrics))


def _said(history: snapshot.History, events: Iterator[Event]) -> Iterator[Event]:
    for event in events:
        if isinstance(event, Metric):
            history.metrics.append(event)
        yield event


def _last_validation(history: snapshot.History) -> float | None:
    found = [metric.value for metric in history.metrics if metric.labels.get("split") == "validation"]
    return found[-1] if found else None


class _Training:
    """One network, its data and its optimiser on the way through the epochs."""

    def __init__(
        self, network: torch.nn.Module, data: Data, settings: Settings, variant: str, hold: Hold | None, share: Share,
        span: range, limits: Limits | None, is_clocked: bool,
    ) -> None:
        self.device, self.limits = chosen(), limits
        self.network = working(network, self.device)
        self.data, self.settings, self.variant = data, settings, variant
        self.hold, self.share, self.span = hold or (lambda: None), share, span
        self.learner = WholeLearner(network, settings, limits, hold=self.hold)
        self.optimiser = self.learner.optimiser
        self.meter = Meter(self.device, self.learner.tensors()) if limits or is_clocked else None
        self.skip = 0
        self.stepped: Stepped | None = None
        self.pulse = Pulse()
        torch.manual_seed(settings.seed)

    @property
    def steps_an_epoch(self) -> int:
        return len(self._order(0, seed=0))

    def _order(self, epoch: int, *, seed: int) -> list[torch.Tensor]:
        return order(len(self.data.parts["train"].labels), self.settings.batch_size, seed=seed, epoch=epoch,
                     strict=self.limits is not None)

    def restore(self, saved: tuple[int, bytes, dict[str, object]] | None) -> snapshot.History | None:
        if saved is None:
            return None
        snapshot.unpack(saved[1], self.network, self.optimiser)
        return snapshot.History.from_facts(saved[2])

    def before(self) -> Iterator[Event]:
        """Where training sets out from: the drop after pruning, or chance."""
        self.hold()
        yield from self._validation(self.span.start, (yield from self._validated()))

    def epoch(self, number: int, rates: Rates) -> Iterator[Event]:
        """All of an epoch is judged before any of it is said: one that ran away leaves nothing a retry would contradict."""
        loss, accuracy = yield from self._steps(number, rates)
        self._refuse_divergence(loss, number, rates)
        validated = yield from self._validated()
        if validated and not validated.finite:
            raise self._diverged("some of its answers are no finite numbers any more", number, rates)
        yield self._metric("learning_rate", rates.at(number, self.settings.epochs), number, "train")
        yield self._metric("loss", loss, number, "train")
        yield self._metric("accuracy", accuracy, number, "train")
        yield from self._validation(number, validated)

    def _refuse_divergence(self, loss: float, number: int, rates: Rates) -> None:
        guessing = math.log(max(self.data.classes, 2))
        if not math.isfinite(loss):
            raise self._diverged("its loss is no finite number any more", number, rates)
        if loss > HOPELESS * guessing:
            raise self._diverged(f"its loss is {loss:.3g}, and guessing has {guessing:.2g}", number, rates)
        state = [tensor for tensor in self.network.state_dict().values() if tensor.is_floating_point()]
        if state and not bool(torch.stack([tensor.isfinite().all() for tensor in state]).all()):
            raise self._diverged("some of its weights are no finite numbers any more", number, rates)

    def _diverged(self, what: str, number: int, rates: Rates) -> Diverged:
        clip = "" if self.settings.clip_norm else " and a clip norm of 1"
        return Diverged(f"The training of {self.variant} diverged in epoch {number}: {what}; "
                        f"try a learning rate below {rates.latest:g}{clip}.")

    def _steps(self, number: int, rates: Rates) -> Generator[Event, None, tuple[float, float]]:
        part = self.data.parts["train"]
        batches = self._order(number, seed=self.settings.seed)
        skip = self.skip if number == self.span.start + 1 else 0
        change = augmentation.change(self.settings.augment, len(part.labels), seed=self.settings.seed, epoch=number)
        loss_sum, correct = torch.zeros((), device=self.device), torch.zeros((), device=self.device)
        self.network.train()
        pairs = shuffled(self.data, part, batches[skip:], self.device, change)
        for position, (images, labels) in enumerate(pairs, start=skip):
            self._rate(rates.at(number, self.settings.epochs, step=position, steps=len(batches)))
            loss, right = self._step(images, labels)
            loss_sum += loss * len(labels)
            correct += right
            if self.stepped:
                self.stepped((number - 1) * len(batches) + position + 1)
            if self.pulse.due():
                yield self._progress(number - 1 + (position + 1) / len(batches))
        yield self._progress(number)
        count = sum(map(len, batches[skip:]))
        return float(loss_sum) / count, float(correct) / count

    def _step(self, images: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if self.meter is None:
            return self.learner.step(images, labels)
        self.meter.begin(self.learner.tensors(), (images, labels))
        with self.meter.counted():
            found = self.learner.step(images, labels)
        self.meter.end()
        return found

    def clocked(self, history: snapshot.History) -> Iterator[Event]:
        """What its steps took, once, and how accurate it was after how long."""
        if self.meter is None:
            return
        if self.meter.peak_bytes and not any(metric.name == MEMORY for metric in history.metrics):
            yield measured(WHOLE_NETWORK, self.meter.peak_bytes)
        accuracy = _last_validation(history)
        if accuracy is not None:
            yield over_time(history.seconds, accuracy)

    def _validated(self) -> Generator[Event, None, Score | None]:
        if not len(self.data.parts["validation"].labels):
            return None
        batch = min(EVALUATION, self.settings.batch_size) if self.limits else EVALUATION
        return (yield from score(self.network, self.data, "validation", batch))

    def _validation(self, number: int, found: Score | None) -> Iterator[Event]:
        if found:
            yield self._metric("accuracy", found.accuracy, number, "validation")

    def _rate(self, rate: float) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = rate

    def _metric(self, name: str, value: float, number: int, split: str) -> Metric:
        return Metric(name=name, value=value, step=number, labels={"variant": self.variant, "split": split})

    def _progress(self, epoch: float) -> Progress:
        done = epoch - self.span.start
        return Progress(done=self.share.before + done, total=self.share.total, stage="epochs",
                        part=self.share.part(done / len(self.span)))
