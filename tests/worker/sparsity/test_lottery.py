"""Levels of iterative magnitude pruning: how many weights, which values they go back to, what they cost."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import pytest
import torch

from worker import datasets
from worker.context import Context, DatasetInput
from worker.datasets import Data
from worker.dnn import architectures
from worker.dnn.surgery import LayerCollapse
from worker.events import Event, Metric, Progress
from worker.sparsity.lottery import Level, Lottery, Plan, Retrain, down_to, fixed
from worker.sparsity.masks import Masks, density
from worker.training.loop import Leg, train
from worker.training.settings import Settings

T = TypeVar("T")
SETTINGS = Settings(epochs=2, batch_size=128, learning_rate=0.05)
STEPS = 10
PLAN = Plan(fixed(0.2, 3), rewind=13 / 20)


@pytest.fixture(scope="module")
def digits() -> Data:
    return datasets.load(DatasetInput("digits"))


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(tmp_path / "run")


def lottery(data: Data, context: Context, plan: Plan = PLAN, settings: Settings = SETTINGS) -> Lottery:
    return Lottery(architectures.build("lenet5", 10, data.in_shape, seed=5), data, settings, plan, context.checkpoints)


def heard(events: Generator[Event, None, T]) -> tuple[list[Event], T]:
    said: list[Event] = []
    while True:
        try:
            said.append(next(events))
        except StopIteration as end:
            return said, end.value


def climbed(found: Lottery) -> list[Level]:
    return [heard(found.level(number))[1] for number in range(found.plan.last + 1)]


def state(level: Level) -> dict[str, torch.Tensor]:
    return level.network.state_dict()


def test_every_level_loses_the_same_part_of_what_was_left(digits: Data, context: Context) -> None:
    levels = climbed(lottery(digits, context))
    total = sum(mask.numel() for mask in levels[0].masks.values())
    for level in levels:
        kept = sum(int(mask.sum()) for mask in level.masks.values())
        assert abs(kept - 0.8**level.number * total) <= 1
        assert all(not state(level)[f"{name}.weight"][~mask].any() for name, mask in level.masks.items())


def test_masks_only_ever_shrink_and_the_smallest_go(digits: Data, context: Context) -> None:
    levels = climbed(lottery(digits, context))
    for before, after in pairwise(levels):
        assert all(bool((before.masks[name] >= mask).all()) for name, mask in after.masks.items())
        sizes = {name: state(before)[f"{name}.weight"].abs() for name in after.masks}
        went = torch.cat([sizes[name][before.masks[name] & ~mask] for name, mask in after.masks.items()])
        stayed = torch.cat([sizes[name][mask] for name, mask in after.masks.items()])
        assert went.max() <= stayed.min()


@pytest.mark.parametrize("step", [0, 7, 10, 13])
def test_survivors_go_back_to_the_bits_they_had_at_the_step(step: int, digits: Data, context: Context, tmp_path: Path) -> None:
    plain, then = architectures.build("lenet5", 10, digits.in_shape, seed=5), dict[str, torch.Tensor]()
    if step == 0:
        then = {name: tensor.clone() for name, tensor in plain.state_dict().items()}

    def keep(made: int) -> None:
        if made == step:
            then.update({name: tensor.clone() for name, tensor in plain.state_dict().items()})

    heard(train(plain, digits, SETTINGS, variant="plain", checkpoints=Context(tmp_path / "plain").checkpoints, stepped=keep))
    found = lottery(digits, context, replace(PLAN, rewind=step / 20))
    dense = heard(found.level(0))[1]
    assert all(torch.equal(state(dense)[name], tensor) for name, tensor in plain.state_dict().items())
    for number in (1, 2):
        network, masks = found.ticket(number)
        for name, tensor in network.state_dict().items():
            mask = masks.get(name.removesuffix(".weight"), torch.ones_like(tensor, dtype=torch.bool))
            assert torch.equal(tensor[mask], then[name][mask])
        heard(found.level(number))


def test_a_level_trains_from_the_step_to_the_end(digits: Data, context: Context) -> None:
    found = lottery(digits, context)
    heard(found.level(0))
    said, level = heard(found.level(1))
    epochs = [event.step for event in said if isinstance(event, Metric) and event.name == "loss"]
    assert epochs == [2] and level.epochs == pytest.approx(2 - 13 / STEPS)


def test_training_from_a_step_takes_the_very_steps_that_were_left(digits: Data, context: Context) -> None:
    made: list[int] = []
    network = architectures.build("lenet5", 10, digits.in_shape, seed=5)
    heard(train(network, digits, SETTINGS, variant="net", checkpoints=context.checkpoints, leg=Leg(after=1, skip=3),
                stepped=made.append))
    assert made == list(range(14, 21))


@pytest.mark.parametrize(("retrain", "epochs"), [("rewind", 0.7), ("learning_rate", 0.7), ("fine_tune", 2.0)])
def test_what_a_level_costs(retrain: Retrain, epochs: float, digits: Data, context: Context) -> None:
    levels = climbed(lottery(digits, context, replace(PLAN, retrain=retrain)))
    assert [level.epochs for level in levels] == [2.0, *[pytest.approx(epochs)] * 3]


def test_without_going_back_every_level_is_a_whole_training(digits: Data, context: Context) -> None:
    levels = climbed(lottery(digits, context, replace(PLAN, rewind=0.0)))
    assert sum(level.epochs for level in levels) == 4 * SETTINGS.epochs


@pytest.mark.parametrize("retrain", ["learning_rate", "fine_tune"])
def test_other_ways_go_on_from_the_weights_as_they_are(retrain: Retrain, digits: Data, context: Context) -> None:
    found = lottery(digits, context, replace(PLAN, retrain=retrain))
    dense = heard(found.level(0))[1]
    network, masks = found.ticket(1)
    assert all(torch.equal(network.state_dict()[f"{name}.weight"], state(dense)[f"{name}.weight"] * mask)
               for name, mask in masks.items())


def test_fine_tuning_goes_slowly_and_rewinding_at_the_rates_of_the_first_training(digits: Data, context: Context) -> None:
    rates = {}
    for retrain in ("fine_tune", "rewind"):
        found = lottery(digits, Context(context.workdir / retrain), replace(PLAN, retrain=retrain, rewind=0.0))
        said = [event for number in (0, 1, 2) for event in heard(found.level(number))[0]]
        rates[retrain] = [event.value for event in said if isinstance(event, Metric) and event.name == "learning_rate"]
    assert rates["rewind"][:2] == rates["rewind"][2:4] == rates["rewind"][4:]
    assert rates["fine_tune"][2:4] == rates["fine_tune"][4:] == [pytest.approx(rate / 10) for rate in rates["rewind"][:2]]


def test_progress_only_ever_grows(digits: Data, context: Context) -> None:
    found = lottery(digits, context)
    done = [event.done / event.total for number in range(4) for event in heard(found.level(number))[0]
            if isinstance(event, Progress) and event.stage == "epochs"]
    assert done == sorted(done) and done[-1] == 1


def test_told_again_it_is_the_same_and_nothing_is_trained(digits: Data, context: Context) -> None:
    first, again = lottery(digits, context), lottery(digits, context)
    for number in range(4):
        (said, level), (told, same) = heard(first.level(number)), heard(again.level(number))
        assert [event for event in said if isinstance(event, Metric)] == told
        assert all(bits(state(level)[name]) == bits(tensor) for name, tensor in state(same).items())
        assert same_masks(level.masks, same.masks) and (level.epochs, level.accuracy) == (same.epochs, same.accuracy)


@pytest.mark.parametrize("level", [0, 2])
@pytest.mark.parametrize("after", ["its first event", "an epoch"])
def test_stopped_anywhere_and_begun_again_the_levels_end_with_the_same_bits(
    level: int, after: str, digits: Data, tmp_path: Path,
) -> None:
    straight = climbed(lottery(digits, Context(tmp_path / "straight"), replace(PLAN, rewind=4 / 20)))
    stopped = lottery(digits, Context(tmp_path / "stopped"), replace(PLAN, rewind=4 / 20))
    for number in range(level):
        heard(stopped.level(number))
    running = stopped.level(level)
    while after == "an epoch" and not (isinstance(event := next(running), Metric) and event.name == "loss" and event.step == 2):
        pass
    next(running)
    running.close()
    torch.rand(11)
    resumed = climbed(lottery(digits, Context(tmp_path / "stopped"), replace(PLAN, rewind=4 / 20)))
    for one, other in zip(straight, resumed, strict=True):
        assert all(torch.equal(state(one)[name], tensor) for name, tensor in state(other).items())
        assert same_masks(one.masks, other.masks)


def test_a_level_that_is_done_leaves_one_small_checkpoint(digits: Data, context: Context) -> None:
    climbed(lottery(digits, context))
    context.checkpoints.save("training-level 2", 2, b"", {})  # as after a kill between the two
    climbed(lottery(digits, context))
    kept = {path.name.rsplit("-", 2)[0] for path in context.checkpoints.folder.glob("*.ckpt")}
    assert kept == {"rewind", "level-000", "level-001", "level-002", "level-003"}


@pytest.mark.parametrize(("rewind", "step"), [(0.0, 0), (0.03, 0), (0.29, 5), (0.65, 13), (0.999, 19), (1 - 1e-12, 19)])
def test_a_share_is_a_whole_step_before_the_end(rewind: float, step: int, digits: Data, context: Context) -> None:
    found = lottery(digits, context, replace(PLAN, rewind=rewind))
    assert (found.rewind_step, found.steps) == (step, 20)
    place = f"step {step}" if step else "the very beginning"
    assert found.goes_back() == f"After each pruning weights and learning rate go back to {place} of the 20 steps of a training."


def test_a_share_that_names_a_step_misses_it_by_no_rounding(digits: Data, context: Context) -> None:
    found = lottery(digits, context, replace(PLAN, rewind=0.29), replace(SETTINGS, epochs=10))
    assert (found.rewind_step, found.steps) == (29, 100)


def test_the_learning_rate_alone_goes_back_too_and_fine_tuning_does_not(digits: Data, context: Context) -> None:
    assert "pruning the learning rate goes back to step 13 of" in lottery(digits, context, replace(
        PLAN, retrain="learning_rate")).goes_back()
    assert not lottery(digits, context, replace(PLAN, retrain="fine_tune")).goes_back()


def test_a_level_without_a_way_through_is_refused_before_it_is_trained(digits: Data, context: Context) -> None:
    found = lottery(digits, context, replace(PLAN, densities=(1.0, 1e-5)))
    heard(found.level(0))
    with pytest.raises(LayerCollapse):
        next(found.level(1))


def test_what_came_trained_is_pruned_as_it_is(digits: Data, context: Context) -> None:
    found = lottery(digits, context, replace(PLAN, retrain="fine_tune", trained=True))
    given = {name: tensor.clone() for name, tensor in found.network.state_dict().items()}
    dense = heard(found.level(0))[1]
    assert dense.epochs == 0 and all(torch.equal(state(dense)[name], tensor) for name, tensor in given.items())
    assert heard(found.level(1))[1].epochs == 2


@pytest.mark.parametrize(("asked", "levels"), [(0.5, 4), (0.8, 1), (0.81, 1), (0.512, 3), (0.1, 11)])
def test_a_density_is_reached_exactly_in_as_few_levels_as_the_fraction_allows(asked: float, levels: int) -> None:
    found = down_to(asked, 0.2)
    assert found[0] == 1 and found[-1] == asked and len(found) == levels + 1
    assert all(after >= 0.8 * before * (1 - 1e-8) for before, after in pairwise(found))


def bits(tensor: torch.Tensor) -> bytes:
    """Negative zeros are equal to zeros, but a file of them is another file."""
    return tensor.numpy().tobytes()


def same_masks(one: Masks, other: Masks) -> bool:
    return density(one) == density(other) and all(torch.equal(one[name], mask) for name, mask in other.items())
