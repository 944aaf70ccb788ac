"""Training of which some weights may not move, and which notes what each weight's way was worth."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, fx
from torch.nn.functional import cross_entropy

from worker.datasets import Data
from worker.events import Progress
from worker.profiling.pulse import Pulse
from worker.sparsity.masks import Masks, prunable
from worker.training.accuracy import Score, score
from worker.training.batches import order, shuffled
from worker.training.hardware import chosen
from worker.training.loop import Diverged
from worker.training.rates import Rates
from worker.training.settings import Settings
from worker.updating.choosing import Tensors

State = dict[str, Tensor]
# Epochs of one round see orders of images that no other round sees.
EPOCHS_A_ROUND = 100_003


@dataclass
class Meter:
    """How much of the run's training is done, in epochs times images."""

    total: float
    done: float = 0.0
    pulse: Pulse = field(default_factory=Pulse)


class Learner:
    """One network in one round; its optimiser keeps its moments from the first step of the round to the last.

    `known`: the places of the images that the server has, in the train part. `local`: of each weight, what its steps so far
    lowered the loss by, to first order.
    """

    def __init__(
        self, network: fx.GraphModule, data: Data, settings: Settings, *, known: Tensor, number: int, meter: Meter,
    ) -> None:
        self.device = chosen()
        self.network, self.data, self.settings = network.to(self.device), data, settings
        self.known, self.number, self.meter = known, number, meter
        self.weights: dict[str, torch.nn.Parameter] = {
            name: weight for name, weight in prunable(network, classifier=True).items() if isinstance(weight, torch.nn.Parameter)}
        self.optimiser = _optimiser(network, settings)
        self.epochs_done = 0
        self.local: Tensors = {name: torch.zeros_like(weight, dtype=torch.float64) for name, weight in self.weights.items()}
        torch.manual_seed(settings.seed * EPOCHS_A_ROUND + number)  # dropout's: the same when the round is run again

    def state(self) -> State:
        return {name: tensor.detach().cpu().contiguous().clone() for name, tensor in self.network.state_dict().items()}

    def values(self) -> Tensors:
        """The weights that single ones are chosen of, as they are now."""
        return {name: weight.detach().clone() for name, weight in self.weights.items()}

    def set(self, values: Mapping[str, Tensor]) -> None:
        with torch.no_grad():
            for name, value in values.items():
                self.weights[name].copy_(value)

    def rewind(self, keep: Masks, values: Mapping[str, Tensor]) -> None:
        """Weights outside `keep` become `values`, bit for bit; by `where`, so that nothing infinite is ever multiplied."""
        for name, weight in self.weights.items():
            self.set({name: torch.where(keep[name].to(self.device), weight, values[name].to(self.device))})

    def validated(self) -> Generator[Progress, None, Score]:
        return (yield from score(self.network, self.data, "validation"))

    def epoch(
        self, number: int, epochs: int, *, keep: Masks | None = None, note: bool = False,
    ) -> Generator[Progress, None, None]:
        """Epoch `number` (from 1) of a step of `epochs`, over which the learning rate falls to zero.

        With `keep` the others' steps are undone, whatever made them: the gradient, momentum, or the decay of weights.
        """
        self.network.train()
        rates, settings = Rates.of([(1, self.settings.learning_rate)]), self.settings
        batches = order(len(self.known), settings.batch_size, seed=settings.seed,
                        epoch=self.number * EPOCHS_A_ROUND + self.epochs_done)
        places = [self.known[batch] for batch in batches]
        held = {name: mask.to(self.device) for name, mask in keep.items()} if keep is not None else None
        for step, (images, labels) in enumerate(shuffled(self.data, self.data.parts["train"], places, self.device)):
            for group in self.optimiser.param_groups:
                group["lr"] = rates.at(number, epochs, step=step, steps=len(batches))
            self._step(images, labels, held, note)
            self.meter.done += len(labels)
            if self.meter.pulse.due():
                yield self._progress()
        self.epochs_done += 1
        self._refuse_divergence()

    def _step(self, images: Tensor, labels: Tensor, keep: Masks | None, note: bool) -> None:
        self.optimiser.zero_grad(set_to_none=True)
        cross_entropy(self.network(images), labels).backward()  # type: ignore[no-untyped-call]
        before = self.values() if keep is not None or note else {}
        self.optimiser.step()
        with torch.no_grad():
            if keep is not None:
                self.rewind(keep, before)
            if note:
                self._note(before)

    def _note(self, before: Tensors) -> None:
        """-gradient times step; the gradient is the loss's and the decay's, the step what the optimiser really made."""
        for name, weight in self.weights.items():
            if weight.grad is not None:
                gradient = weight.grad.double() + self.settings.weight_decay * before[name].double()
                self.local[name] -= gradient * (weight.double() - before[name].double())

    def _progress(self) -> Progress:
        done, total = min(self.meter.done, self.meter.total), self.meter.total
        return Progress(done=done, total=total, stage="images trained on", part=done / total)

    def _refuse_divergence(self) -> None:
        state = [tensor for tensor in self.network.state_dict().values() if tensor.is_floating_point()]
        if not bool(torch.stack([tensor.isfinite().all() for tensor in state]).all()):
            raise Diverged(f"The training of round {self.number} diverged: some weights are no finite numbers any more; "
                           f"try a first rate below {self.settings.learning_rate:g}.")


def _optimiser(network: fx.GraphModule, settings: Settings) -> torch.optim.Optimizer:
    if settings.optimiser == "adam":
        return torch.optim.Adam(network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    return torch.optim.SGD(network.parameters(), lr=settings.learning_rate, momentum=settings.momentum,
                           nesterov=settings.momentum > 0, weight_decay=settings.weight_decay)
