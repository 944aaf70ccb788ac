"""Local learning by hand: gradients end at units, one block of all units is classic local learning, exits answer as the chain."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from worker import datasets
from worker.context import Context, DatasetInput
from worker.datasets import Data, normalise
from worker.dnn import architectures
from worker.dnn.units import NoUnits, Unit, joined, units
from worker.training import wants
from worker.training.batches import order
from worker.training.hardware import working
from worker.training.local import heads
from worker.training.local.block import Block, Place
from worker.training.local.cache import Caches, Images
from worker.training.local.exits import Exit, best, chosen
from worker.training.local.learner import UnitLearner
from worker.training.local.plan import PlannedBlock
from worker.training.rates import Rates
from worker.training.settings import Settings

CPU = torch.device("cpu")
SETTINGS = Settings(2, learning_rate=0.02)
SHAPE = (1, 8, 8)


@pytest.fixture(scope="module")
def digits() -> Data:
    return datasets.load(DatasetInput("digits"))


def learners(seed: int = 5, head: heads.Head = "256", name: str = "lenet5") -> list[UnitLearner]:
    parts = units(architectures.build(name, 10, SHAPE, seed=seed, width=0.5), SHAPE)
    made = []
    for number, (unit, own) in enumerate(zip(parts.units, wants.heads_of(parts, head), strict=True)):
        if own is not parts.head.network:
            heads.drawn(own, number)
        for module in (unit.network, own):
            working(module, CPU).train()
        made.append(UnitLearner(unit.network, own, SETTINGS))
    return made


def states(given: list[UnitLearner]) -> list[dict[str, Tensor]]:
    return [copy.deepcopy(nn.ModuleList([each.unit, each.head]).state_dict()) for each in given]


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def test_a_step_of_one_unit_leaves_every_other_bit_as_it_was() -> None:
    for place in range(3):
        made = learners(name="resnet20")[:4]
        before, samples = states(made), torch.randn(4, *SHAPE)
        for learner in made[:place]:
            samples = learner.unit(samples)
        made[place].step(samples, torch.tensor([1, 2, 3, 4]))
        assert earlier_statistics_alone(before, states(made), place)


def earlier_statistics_alone(before: list[dict[str, Tensor]], after: list[dict[str, Tensor]], place: int) -> bool:
    """Units before it were run to make its samples: their batch-norm has seen them, their weights have not moved."""
    for each, (old, new) in enumerate(zip(before, after, strict=True)):
        weights = [name for name in old if "running" not in name and "tracked" not in name]
        moved = [name for name in weights if not torch.equal(old[name], new[name])]
        if (each == place) != bool(moved):
            return False
    return True


def test_no_gradient_reaches_what_a_unit_was_given() -> None:
    made = learners()
    samples = torch.randn(4, *SHAPE, requires_grad=True)
    result = made[0].step(samples.detach(), torch.tensor([1, 2, 3, 4])).result
    assert samples.grad is None and not result.requires_grad
    assert all(weight.grad is None for each in made for weight in each.weights)


def test_one_block_of_all_units_is_classic_local_learning(digits: Data, tmp_path: Path) -> None:
    ours, by_hand = learners(), learners()
    block = PlannedBlock(1, len(ours), 200, 0, 0)
    work = Block(ours, block, Images(digits), digits, SETTINGS, Place(1, 1), CPU)
    list(work.train(Context(tmp_path).checkpoints))
    classic(by_hand, digits, batch=200)
    assert all(same(*pair) for pair in zip(states(ours), states(by_hand), strict=True))


def classic(given: list[UnitLearner], data: Data, batch: int) -> None:
    """Decoupled greedy learning, written down once more and without the house's loop."""
    part, rates = data.parts["train"], Rates.of([(1, SETTINGS.learning_rate)])
    momenta: dict[Any, Tensor] = {}
    for epoch in (1, 2):
        batches = order(len(part.labels), batch, seed=SETTINGS.seed, epoch=epoch, strict=True)
        for each in given:
            each.train()
        for step, index in enumerate(batches):
            rate = rates.at(epoch, SETTINGS.epochs, step=step, steps=len(batches))
            samples, labels = normalise(part.images[index], data), part.labels[index]
            for each in given:
                result = each.unit(samples)
                gradients = torch.autograd.grad(cross_entropy(each.head(result), labels), each.weights)
                descend(each.weights, gradients, momenta, rate)
                samples = result.detach().contiguous()


@torch.no_grad()
def descend(weights: list[Tensor], gradients: tuple[Tensor, ...], momenta: dict[Any, Tensor], rate: float) -> None:
    length = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(each) for each in gradients]))
    scale = torch.clamp(SETTINGS.clip_norm / (length + 1e-6), max=1.0)
    for weight, gradient in zip(weights, gradients, strict=True):
        slope = (gradient * scale).add(weight, alpha=SETTINGS.weight_decay)
        momenta[weight] = momenta[weight].mul_(SETTINGS.momentum).add_(slope) if weight in momenta else slope.clone()
        weight.add_(momenta[weight], alpha=-rate)


def test_a_cache_holds_what_the_frozen_block_answers(digits: Data, tmp_path: Path) -> None:
    made = learners()[:2]
    work = Block(made, PlannedBlock(1, 2, 50, 0, 0), Images(digits), digits, SETTINGS, Place(1, 2), CPU)
    for each in made:
        each.train(False)
    caches = Caches(tmp_path / "cache", digits)
    list(caches.write(1, work.through, (8, 2, 2), 50))
    stored, before = caches.open(1), states(made)
    images = normalise(digits.parts["train"].images[50:100], digits)
    with torch.no_grad():
        fresh = made[1].unit(made[0].unit(images))
        whole = made[1].unit(made[0].unit(normalise(digits.parts["validation"].images, digits)))
    assert torch.equal(stored.take("train", slice(50, 100)), fresh)
    assert torch.allclose(stored.take("validation", torch.arange(180)), whole, atol=1e-5)
    assert all(same(*pair) for pair in zip(states(made), before, strict=True))


def test_a_cache_replaces_the_one_before_it_and_a_torn_one_is_none(digits: Data, tmp_path: Path) -> None:
    caches = Caches(tmp_path / "cache", digits, "float16")
    list(caches.write(1, lambda samples: samples, SHAPE, 64))
    assert caches.has(0) and caches.has(1) and not caches.has(2)
    writing = caches.write(2, stumbles, SHAPE, 64)
    with pytest.raises(RuntimeError):
        list(writing)
    assert caches.has(1) and not caches.has(2)
    list(caches.write(2, lambda samples: samples, SHAPE, 64))
    assert caches.has(2) and not caches.has(1)
    assert sum(file.stat().st_size for file in (tmp_path / "cache" / "2").glob("*.npy")) == caches.bytes(SHAPE) + 2 * 128


def stumbles(samples: Tensor) -> Tensor:
    raise RuntimeError("a power cut")


def test_the_exit_that_is_kept_is_the_smallest_that_is_nearly_as_good() -> None:
    exits = [Exit(1, "a", 100, 0.80), Exit(2, "b", 300, 0.93), Exit(3, "c", 200, 0.93), Exit(4, "d", 900, 0.94)]
    assert best(exits).number == 4
    assert [chosen(exits, points / 100).number for points in (0, 0.5, 1, 14, 100)] == [4, 4, 3, 1, 1]
    assert best([Exit(1, "a", 100, 0.9), Exit(2, "b", 300, 0.9)]).number == 1


@pytest.mark.parametrize(("kind", "out", "expected"), [("half", 64, 32), ("half", 8, 8), ("half", 2048, 256), ("256", 4, 256),
                                                      ("linear", 64, 0)])
def test_heads_have_as_many_filters_as_their_rule_says(kind: heads.Head, out: int, expected: int) -> None:
    assert heads.filters(kind, out) == expected
    made = heads.outline(kind, (out, 6, 6), 10, "exit")
    assert made.get_submodule("exit.fc").in_features == 4 * (expected or out)


@pytest.mark.parametrize("shape", [(12, 7, 8), (12, 1, 1), (12, 5), (12,)])
def test_heads_fit_results_of_every_shape(shape: tuple[int, ...]) -> None:
    for kind in ("linear", "half", "256"):
        made = heads.drawn(heads.outline(kind, shape, 3, "exit"), 0)  # type: ignore[arg-type]
        assert made(torch.randn(4, *shape)).shape == (4, 3)


@pytest.mark.parametrize("name", ["lenet5", "resnet18"])
def test_narrow_exits_never_need_more_than_wide_ones(name: str) -> None:
    parts = units(architectures.outline(name, 10, SHAPE), SHAPE)
    narrow, wide = (wants.of_units(parts, kind, SETTINGS) for kind in ("half", "256"))
    for one, other in zip(narrow, wide, strict=True):
        assert all(one.demand.bytes(batch) <= other.demand.bytes(batch) for batch in (1, 16, 256))


def test_units_in_a_row_answer_as_the_whole_network() -> None:
    for name in ("lenet5", "resnet20", "densenet121", "mobilenet_v3_small", "googlenet"):
        shape = (3, 32, 32)
        made = architectures.build(name, 10, shape, width=0.25, seed=1).eval()
        parts, images = units(made, shape), torch.randn(2, *shape)
        pieces = [*(unit.network for unit in parts.units), parts.head.network]
        with torch.no_grad():
            assert torch.equal(joined(pieces)(images), made(images)), name
            assert len({id(weight) for piece in pieces for weight in piece.parameters()}) == len(list(made.parameters()))


def test_a_residual_block_is_one_unit() -> None:
    parts = units(architectures.outline("resnet18", 10, (3, 32, 32)), (3, 32, 32))
    assert [unit.name for unit in parts.units] == ["conv1", *(f"layer{a}.{b}.conv1" for a in range(1, 5) for b in range(2))]
    assert parts.head.name == "fc" and [unit.out_shape[0] for unit in parts.units] == [64] * 3 + [128] * 2 + [256] * 2 + [512] * 2


def test_pools_go_with_the_convolution_before_them() -> None:
    parts = units(architectures.outline("vgg11", 10, (3, 32, 32)), (3, 32, 32))
    kinds = [[type(layer).__name__ for layer in unit.network.children()] for unit in parts.units]
    assert parts.units[0].out_shape == (64, 16, 16) and len(kinds) == 8


def test_a_network_of_one_piece_is_refused_with_the_reason() -> None:
    lonely = torch.fx.symbolic_trace(nn.Sequential(nn.Flatten(), nn.Linear(64, 10)))
    with pytest.raises(NoUnits, match="no place behind its first weighted layer"):
        units(lonely, SHAPE)
    images = torch.fx.symbolic_trace(nn.Sequential(nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3)))
    with pytest.raises(NoUnits, match="4x4x4 numbers an image"):
        units(images, SHAPE)


def test_a_unit_is_named_after_its_first_weighted_layer() -> None:
    parts = units(architectures.outline("lenet5", 10, SHAPE), SHAPE)
    assert [(unit.name, unit.out_shape) for unit in parts.units] == [
        ("conv1", (6, 4, 4)), ("conv2", (16, 2, 2)), ("fc1", (120,)), ("fc2", (84,))]
    assert isinstance(parts.units[0], Unit) and parts.head.out_shape == (10,)
