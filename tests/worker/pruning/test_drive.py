"""DRIVE's score: its terms are what they are called, its three sums rank as said, and it looks at the data as often as said."""

from __future__ import annotations

import copy
from collections.abc import Generator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import fx, nn
from torch.nn.functional import cross_entropy

from worker import datasets
from worker.context import Context, DatasetInput
from worker.datasets import Data
from worker.dnn.form import trace
from worker.events import Event, Log
from worker.pruning import criteria, drive, unstructured
from worker.pruning.criteria import Rounds
from worker.pruning.drive import TERMS, Combine, Knobs, Term, worth
from worker.pruning.pruned import Pruned, Subject
from worker.pruning.unstructured import Rules
from worker.sparsity import gradients
from worker.sparsity.gradients import snip, weights_of
from worker.sparsity.masks import density, prunable
from worker.sparsity.schedules import exponential
from worker.sparsity.scoring import ScoringSet, balanced
from worker.sparsity.selection import select
from worker.training.settings import Settings


class Small(nn.Module):
    """A convolution, a norm and two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.flat = nn.Flatten()
        self.one, self.two = nn.Linear(384, 20), nn.Linear(20, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.two(torch.relu(self.one(self.flat(torch.relu(self.norm(self.conv(x)))))))


@pytest.fixture(scope="module")
def digits() -> Data:
    return datasets.load(DatasetInput("digits"))


@pytest.fixture
def network() -> fx.GraphModule:
    torch.manual_seed(8)
    return trace(Small())


@pytest.fixture
def images(digits: Data) -> ScoringSet:
    return balanced(digits, 4, seed=7)


def subject(network: fx.GraphModule, data: Data, folder: Path, **more: Any) -> Subject:
    return Subject(copy.deepcopy(network), data, Settings(epochs=1), Context(folder), **more)


def done(running: Generator[Event, None, Pruned]) -> tuple[Pruned, list[Event]]:
    said: list[Event] = []
    while True:
        try:
            said.append(next(running))
        except StopIteration as end:
            return end.value, said


def pruned(network: fx.GraphModule, data: Data, folder: Path, rules: Rules, **knobs: Any) -> Pruned:
    return done(drive.prune(subject(network, data, folder), rules, Knobs(**knobs)))[0]


def loss_of(network: fx.GraphModule, images: ScoringSet) -> torch.Tensor:
    """The mean loss with batch-norm as in training, written down apart from the code that is tested."""
    batch, labels = next(iter(images))
    network = copy.deepcopy(network).train()
    return cross_entropy(network(batch), labels)


def flat(scores: dict[str, torch.Tensor]) -> torch.Tensor:
    return torch.cat([score.flatten() for score in scores.values()])


def test_the_terms_are_the_size_what_cutting_costs_and_the_slope(network: fx.GraphModule, images: ScoringSet) -> None:
    names = list(prunable(network))
    found = drive.terms(network, weights_of(network, names), images)
    mask = {name: torch.ones_like(network.get_submodule(name).weight, requires_grad=True) for name in names}  # type: ignore[call-overload]
    batch, labels = next(iter(images))
    masked = torch.func.functional_call(
        copy.deepcopy(network).train(),
        {f"{name}.weight": network.get_submodule(name).weight.detach() * mask[name] for name in names}, (batch,))
    by_mask = torch.autograd.grad(cross_entropy(masked, labels), list(mask.values()))
    of_each = zip(names, found.magnitude, found.connection, found.convergence, by_mask, strict=True)
    for name, size, cut, slope, connection in of_each:
        weight = network.get_submodule(name).weight.detach()
        assert torch.equal(size, weight.abs())
        torch.testing.assert_close(cut / found.images, connection.abs(), rtol=1e-4, atol=1e-8)
        torch.testing.assert_close(slope * weight.abs(), cut, rtol=1e-4, atol=1e-6)


def test_the_slope_is_the_difference_quotient_of_the_mean_loss(network: fx.GraphModule, images: ScoringSet) -> None:
    network, images = network.double(), _double(images)
    found = drive.terms(network, weights_of(network, ["one"]), images)
    with torch.no_grad():
        weight = network.get_submodule("one").weight
        place = (3, 17)
        slopes = []
        for step in (1e-5, -1e-5):
            weight[place] += step
            slopes.append(float(loss_of(network, images)))
            weight[place] -= step
    assert float(found.convergence[0][3, 17]) / found.images == pytest.approx(abs(slopes[0] - slopes[1]) / 2e-5, rel=1e-3)


class _double(list[Any]):  # noqa: N801
    def __init__(self, images: ScoringSet) -> None:
        super().__init__((batch.double(), labels) for batch, labels in images)


def test_the_raw_sum_ranks_as_the_product_of_one_plus_each(network: fx.GraphModule, images: ScoringSet) -> None:
    network, names = network.double(), list(prunable(network))
    found = drive.terms(network, weights_of(network, names), _double(images))
    product = torch.cat([((1 + size) * (1 + slope / found.images)).flatten()
                         for size, slope in zip(found.magnitude, found.convergence, strict=True)])
    scores = flat(worth(network, names, _double(images), combine="sum_raw"))
    torch.testing.assert_close(scores + 1, product)
    assert torch.equal(scores.argsort(), product.argsort())


def test_the_product_ranks_as_snip_does(network: fx.GraphModule, images: ScoringSet) -> None:
    names = list(prunable(network))
    product, snips = worth(network, names, images, combine="prod"), snip(network, names, images)
    for left in (0.5, 0.1, 0.01):
        one, two = select(product, density=left), select(snips, density=left)
        assert all(torch.equal(one[name], two[name]) for name in names)


def test_in_the_normalised_sum_all_three_terms_weigh_the_same(network: fx.GraphModule, images: ScoringSet) -> None:
    names = list(prunable(network))
    assert float(flat(worth(network, names, images)).sum(dtype=torch.float64)) == pytest.approx(3, rel=1e-5)
    each = [flat(worth(network, names, images, which=(term,))) for term in TERMS]
    torch.testing.assert_close(flat(worth(network, names, images)), each[0] + each[1] + each[2])


def test_pruned_weights_count_in_no_sum(network: fx.GraphModule, images: ScoringSet) -> None:
    names = list(prunable(network))
    with torch.no_grad():
        weight = network.get_submodule("one").weight
        weight[:, ::2] = 0
    scores = worth(network, names, images)
    assert float(flat(scores).sum(dtype=torch.float64)) == pytest.approx(3, rel=1e-5)
    assert not scores["one"][:, ::2].any()


@pytest.mark.parametrize("per_class", [1, 10, 30])
def test_the_connection_alone_in_one_round_is_snip_bit_for_bit(
    per_class: int, network: fx.GraphModule, digits: Data, tmp_path: Path,
) -> None:
    rules = Rules(0.05, classifier=True)
    mine = pruned(network, digits, tmp_path, rules, terms=("connection",), rounds=Rounds(1), images_per_class=per_class)
    other, _ = done(unstructured.prune(subject(network, digits, tmp_path), criteria.snip(per_class), rules))
    assert all(torch.equal(mine.masks[name], other.masks[name]) for name in other.masks) and mine.spent == other.spent
    names = list(prunable(network))
    some = balanced(digits, per_class, seed=7)
    scores, theirs = worth(network, names, some, which=("connection",)), snip(network, names, some)
    assert all(torch.equal(scores[name], theirs[name]) for name in names)


@pytest.mark.parametrize("combine", ["sum_norm", "sum_raw", "prod"])
def test_every_round_keeps_exactly_what_the_schedule_says_and_nothing_comes_back(
    combine: Combine, network: fx.GraphModule, digits: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = []
    choose = criteria.select

    def watched(*given: Any, **more: Any) -> Any:
        seen.append(choose(*given, **more))
        return seen[-1]

    monkeypatch.setattr(criteria, "select", watched)
    found = pruned(network, digits, tmp_path, Rules(0.02), combine=combine, rounds=Rounds(6))
    total = sum(mask.numel() for mask in found.masks.values())
    counts = [sum(int(mask.sum()) for mask in each.values()) for each in seen]
    assert counts == [round(left * total) for left in exponential(0.02, 6)]
    for before, after in pairwise(seen):
        assert all(not (after[name] & ~before[name]).any() for name in after)
    assert density(found.masks) == pytest.approx(0.02, abs=1 / total)


def test_a_round_takes_one_gradient_and_one_pass_through_the_images(
    network: fx.GraphModule, digits: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[int] = []

    def watched(network: fx.GraphModule, weights: Any, batch: Any) -> Any:
        calls.append(len(batch[1]))
        return gradients.gradient(network, weights, batch)

    monkeypatch.setattr(drive, "gradient", watched)
    found = pruned(network, digits, tmp_path, Rules(0.1), rounds=Rounds(7), images_per_class=10)
    assert calls == [100] * 7
    assert found.spent == 700 / len(digits.parts["train"].labels)


def test_scores_may_be_taken_on_one_batch_drawn_by_lot(network: fx.GraphModule, digits: Data, tmp_path: Path) -> None:
    found, said = done(drive.prune(subject(network, digits, tmp_path), Rules(0.1), Knobs(rounds=Rounds(2), batch=256)))
    assert found.spent == 512 / len(digits.parts["train"].labels)
    assert "Scores are taken on 256 training images, drawn by lot." in [event.message for event in said if isinstance(event, Log)]


def test_weights_and_statistics_are_afterwards_what_they_were_but_for_what_was_pruned(
    network: fx.GraphModule, digits: Data, tmp_path: Path,
) -> None:
    found = pruned(network, digits, tmp_path, Rules(0.1), rounds=Rounds(3))
    before, after = network.state_dict(), found.network.state_dict()
    for name, mask in found.masks.items():
        assert torch.equal(after[f"{name}.weight"], before[f"{name}.weight"] * mask)
    for name in ("norm.running_mean", "norm.running_var", "norm.num_batches_tracked"):
        assert torch.equal(after[name], before[name])


def test_the_same_seed_gives_the_same_mask_and_another_looks_at_other_images(
    network: fx.GraphModule, digits: Data, tmp_path: Path,
) -> None:
    one, two, other = (pruned(network, digits, tmp_path, Rules(0.1, seed=seed), rounds=Rounds(3)).masks for seed in (7, 7, 8))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not all(torch.equal(one[name], other[name]) for name in one)


def test_rewound_the_living_weights_are_those_from_before_the_warm_up_bit_for_bit(
    network: fx.GraphModule, digits: Data, tmp_path: Path,
) -> None:
    initial = {name: tensor.clone() + 1 for name, tensor in network.state_dict().items()}
    warmed = subject(network, digits, tmp_path, initial=initial)
    found, _ = done(drive.prune(warmed, Rules(0.1), Knobs(rounds=Rounds(2), after="rewind")))
    assert found.rewound
    for name, mask in found.masks.items():
        assert torch.equal(found.network.get_submodule(name).weight.detach(), initial[f"{name}.weight"] * mask)


def test_without_a_warm_up_there_is_nothing_to_rewind(network: fx.GraphModule, digits: Data, tmp_path: Path) -> None:
    assert not pruned(network, digits, tmp_path, Rules(0.1), rounds=Rounds(2), after="rewind").rewound


@pytest.mark.parametrize("term", TERMS)
def test_each_term_alone_chooses_differently(term: Term, network: fx.GraphModule, digits: Data, tmp_path: Path) -> None:
    alone = pruned(network, digits, tmp_path, Rules(0.1), rounds=Rounds(2), terms=(term,)).masks
    whole = pruned(network, digits, tmp_path, Rules(0.1), rounds=Rounds(2)).masks
    assert not all(torch.equal(alone[name], whole[name]) for name in whole)
