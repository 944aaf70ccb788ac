"""What a training step takes is foretold, measured, and never more than was foretold."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, fx, nn

from tests.worker.dnn.random_networks import CLASSES, IN_SHAPE, network
from worker.dnn import architectures
from worker.dnn.units import NoUnits, units
from worker.training import checkpointed, wants
from worker.training.hardware import working
from worker.training.limits import Limits, Way
from worker.training.local import heads
from worker.training.local.learner import UnitLearner
from worker.training.local.plan import Budget, Infeasible, planned, whole
from worker.training.memory.living import Living
from worker.training.memory.meter import Meter
from worker.training.settings import Settings
from worker.training.stepping import WholeLearner

CPU = torch.device("cpu")
SETTINGS = Settings(1)


def batch_of(size: int, shape: tuple[int, ...], classes: int) -> tuple[Tensor, Tensor]:
    return torch.randn(size, *shape), torch.randint(0, classes, (size,))


def measured(learner: WholeLearner | UnitLearner, size: int, shape: tuple[int, ...], classes: int) -> int:
    meter = Meter(CPU, learner.tensors())
    for _ in range(2):
        batch = batch_of(size, shape, classes)
        meter.begin(learner.tensors(), batch)
        with meter.counted():
            learner.step(*batch)
        meter.end()
    return meter.peak_bytes


def learner_of(made: fx.GraphModule, settings: Settings, way: Way | None = None) -> WholeLearner:
    working(made, CPU).train()
    return WholeLearner(made, settings, Limits(way=way))


def drawn_units(name: str, head: heads.Head, settings: Settings = SETTINGS) -> list[tuple[UnitLearner, tuple[int, ...]]]:
    parts = units(architectures.build(name, 10, (1, 8, 8), seed=3), (1, 8, 8))
    found = []
    for unit, own in zip(parts.units, wants.heads_of(parts, head), strict=True):
        if any(weight.is_meta for weight in own.parameters()):
            heads.drawn(own, 1)
        for module in (unit.network, own):
            working(module, CPU).train()
        found.append((UnitLearner(unit.network, own, settings), unit.in_shape))
    return found


@pytest.mark.parametrize("head", ["linear", "half", "256"])
@pytest.mark.parametrize("settings", [SETTINGS, Settings(1, optimiser="adam"), Settings(1, momentum=0, weight_decay=0)])
def test_each_units_step_takes_to_the_byte_what_was_foretold_for_batches_never_tried(
    head: heads.Head, settings: Settings,
) -> None:
    parts = units(architectures.outline("lenet5", 10, (1, 8, 8)), (1, 8, 8))
    foretold = wants.of_units(parts, head, settings)
    for want, (learner, shape) in zip(foretold, drawn_units("lenet5", head, settings), strict=True):
        for size in (5, 32):
            assert measured(learner, size, shape, 10) == want.demand.bytes(size)


@pytest.mark.parametrize("name", ["resnet20", "mobilenet_v2"])
def test_a_whole_networks_step_is_foretold_within_one_per_cent(name: str) -> None:
    foretold = wants.of_whole(architectures.outline(name, 10, (3, 16, 16), width=0.25), (3, 16, 16), SETTINGS).demand
    learner = learner_of(architectures.build(name, 10, (3, 16, 16), width=0.25, seed=1), SETTINGS)
    found = measured(learner, 7, (3, 16, 16), 10)
    assert 0.99 * foretold.bytes(7) <= found <= foretold.bytes(7)


def test_a_checkpointed_step_is_foretold_and_takes_less_than_a_plain_one() -> None:
    shape = (3, 16, 16)
    outline = architectures.outline("resnet20", 10, shape, width=0.5)
    plain = wants.of_whole(outline, shape, SETTINGS).demand
    saving = wants.of_whole(outline, shape, SETTINGS, checkpointed.way(shape)).demand
    learner = learner_of(architectures.build("resnet20", 10, shape, width=0.5, seed=1), SETTINGS, checkpointed.way(shape))
    assert measured(learner, 16, shape, 10) <= saving.bytes(16) < 0.8 * plain.bytes(16)


@pytest.mark.parametrize("seed", range(20))
def test_no_random_network_takes_more_than_a_random_budget(seed: int) -> None:
    noise = torch.Generator().manual_seed(seed)
    made = network(seed, torch.float32)
    least = wants.of_whole(made, IN_SHAPE, SETTINGS)
    budget = Budget(int(least.demand.bytes(2) * (1.06 + 2 * torch.rand((), generator=noise).item())), cap=24)
    (block,) = whole(least, budget).blocks
    taken = measured(learner_of(made, SETTINGS), block.batch, IN_SHAPE, CLASSES)
    assert taken <= block.predicted_bytes <= budget.usable
    units_too(network(seed, torch.float32), budget)


def units_too(made: fx.GraphModule, budget: Budget) -> None:
    """The same of its units under the same budget, where it has some and they fit."""
    try:
        parts = units(made, IN_SHAPE)
        plan = planned(wants.of_units(parts, "half", SETTINGS), budget)
    except (NoUnits, Infeasible):
        return
    exits = wants.heads_of(parts, "half")
    for block in plan.blocks:
        learners = []
        for number in block.numbers:
            unit, head = parts.units[number - 1].network, exits[number - 1]
            if any(weight.is_meta for weight in head.parameters()):
                heads.drawn(head, 1)
            for module in (unit, head):
                working(module, CPU).train()
            learners.append(UnitLearner(unit, head, SETTINGS))
        meter = Meter(CPU, [])
        for _ in range(2):
            sweep(meter, learners, block.batch, parts.units[block.first - 1].in_shape)
        assert meter.peak_bytes <= block.predicted_bytes <= budget.usable


def sweep(meter: Meter, learners: list[UnitLearner], size: int, shape: tuple[int, ...]) -> None:
    samples, labels = batch_of(size, shape, CLASSES)
    meter.begin([tensor for learner in learners for tensor in learner.tensors()], (samples, labels))
    for learner in learners:
        with meter.counted():
            samples = learner.step(samples, labels).result
    meter.end()


def test_living_counts_a_storage_once_and_lets_it_go(tmp_path: Path) -> None:
    living = Living()
    weight = torch.zeros(1000)
    living.note([weight, weight[:10], weight.view(10, 100)])
    assert living.bytes == 4000
    with living:
        other = weight + 1
        row = other.view(10, 100)[0]
        del other
        assert living.bytes == 8000
        del row
        assert living.bytes == 4000
    assert living.peak == 8000


def test_what_is_kept_for_the_backward_pass_counts_until_it_is_over() -> None:
    layer, images = nn.Linear(10, 20, bias=False), torch.randn(8, 10)
    living = Living()
    living.note([layer.weight, images])
    with living:
        loss = layer(images).relu().sum()
        assert living.bytes == 4 * (200 + 80 + 160 + 1)  # the rectifier's result lives on, the linear layer's is gone
        loss.backward()
        assert living.bytes == 4 * (200 + 80 + 1 + 200)
