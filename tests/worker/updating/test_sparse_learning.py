"""Weights that are not chosen do not move by a bit, whatever would move them; and what each way was worth is noted rightly."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import fx, nn
from torch.nn.functional import cross_entropy

from worker.datasets import Data, normalise
from worker.dnn.form import trace
from worker.dnn.initialisation import reinitialise
from worker.training.loop import Diverged
from worker.training.settings import Settings
from worker.updating.choosing import by_lot
from worker.updating.learning import Learner, Meter


def learner(network: fx.GraphModule, data: Data, images: int = 96, **told: Any) -> Learner:
    settings = Settings(epochs=1, **({"batch_size": 32, "learning_rate": 0.05, "clip_norm": 0.0} | told))
    return Learner(network, data, settings, known=torch.arange(images), number=0, meter=Meter(1e6))


@pytest.mark.parametrize("told", [
    {"optimiser": "sgd", "momentum": 0.0, "weight_decay": 0.0}, {"optimiser": "sgd", "momentum": 0.9, "weight_decay": 0.0},
    {"optimiser": "sgd", "momentum": 0.9, "weight_decay": 0.1}, {"optimiser": "adam", "weight_decay": 0.0},
    {"optimiser": "adam", "weight_decay": 0.1},
])
def test_steps_of_the_others_are_undone_not_their_gradients(
    fresh: Callable[[], fx.GraphModule], digits: Data, told: dict[str, Any],
) -> None:
    learning = learner(fresh(), digits, **told)
    list(learning.epoch(1, 1))  # momentum and moments of every weight are under way
    before, keep = learning.values(), by_lot(learning.values(), 0.1, seed=0)
    others = {name: tensor.clone() for name, tensor in learning.state().items()}
    for number in (1, 2):
        list(learning.epoch(number, 2, keep=keep))
    for name, weight in learning.values().items():
        assert torch.equal(weight[~keep[name]], before[name][~keep[name]])
        assert not torch.equal(weight[keep[name]], before[name][keep[name]])
    after = learning.state()
    free = [name for name in after if not name.endswith(".weight") or after[name].ndim == 1]
    assert all(not torch.equal(after[name], others[name]) for name in free)  # biases, batch-norm and its statistics


def test_rewinding_goes_back_bit_for_bit_even_beside_infinity(fresh: Callable[[], fx.GraphModule], digits: Data) -> None:
    learning = learner(fresh(), digits)
    before, keep = learning.values(), by_lot(learning.values(), 0.5, seed=0)
    learning.set({name: torch.full_like(weight, torch.inf) for name, weight in before.items()})
    learning.rewind(keep, before)
    for name, weight in learning.values().items():
        assert torch.equal(weight[~keep[name]], before[name][~keep[name]])
        assert bool(weight[keep[name]].isinf().all())


def test_what_the_steps_gained_adds_up_to_the_fall_of_the_loss_as_they_get_smaller(digits: Data) -> None:
    """Plain gradient descent over all images at once: the error of the first order falls with the learning rate."""
    images, labels = digits.parts["train"].images[:128], digits.parts["train"].labels[:128]

    def error(rate: float) -> float:
        network = trace(nn.Sequential(nn.Flatten(), nn.Linear(64, 16, bias=False), nn.ReLU(), nn.Linear(16, 10, bias=False)))
        reinitialise(network, 5)

        def loss() -> float:
            with torch.no_grad():
                return float(cross_entropy(network(normalise(images, digits)).double(), labels))

        first = loss()
        learning = learner(network, digits, images=128, batch_size=128, learning_rate=rate, momentum=0.0, weight_decay=0.0)
        for number in range(1, 5):
            list(learning.epoch(number, 4, note=True))
        gained = sum(float(each.sum()) for each in learning.local.values())
        return abs(gained - (first - loss())) / (first - loss())

    errors = [error(rate) for rate in (0.04, 0.02, 0.01)]
    assert errors[0] < 0.5
    assert all(1.5 < larger / smaller < 3 for larger, smaller in pairwise(errors)), errors


def test_the_decay_of_weights_is_part_of_the_gradient_that_is_noted(fresh: Callable[[], fx.GraphModule], digits: Data) -> None:
    """A weight whose loss has no slope moves by its decay alone: the noted gain is decay * weight times that step."""
    network = fresh()
    learning = learner(network, digits, images=32, optimiser="sgd", momentum=0.0, weight_decay=0.1)
    dead = next(name for name in learning.weights if name == "7")  # the last layer; nothing reaches it below
    with torch.no_grad():
        network.get_submodule("5").weight.zero_()
        network.get_submodule("5").bias.fill_(-1.0)
    before = learning.values()[dead]
    list(learning.epoch(1, 1, note=True))
    step = learning.values()[dead].double() - before.double()
    assert torch.allclose(learning.local[dead], -(0.1 * before.double()) * step)


def test_a_training_that_runs_away_ends_with_a_sentence(fresh: Callable[[], fx.GraphModule], digits: Data) -> None:
    with pytest.raises(Diverged, match=r"round 0 diverged.*first rate below"):
        learning = learner(fresh(), digits, learning_rate=1e30, optimiser="sgd")
        for number in range(1, 4):
            list(learning.epoch(number, 3))
