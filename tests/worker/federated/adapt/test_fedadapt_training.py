"""Training on a bench: it ends when it should, sees what it should, and finds what an oracle finds."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from tests.worker.federated.adapt.fedadapt_lab import VGG5, Testbed
from worker.federated.adapt.controller import Controller
from worker.federated.adapt.knobs import PUBLISHED, Knobs
from worker.federated.adapt.oracles import Oracle
from worker.federated.adapt.reward import reward
from worker.federated.adapt.training import Progress, trained

SHORT = Knobs(updates=3, epochs_an_update=2)
NATIVE, WIFI = (6,) * 5, [75.0] * 5


def finished(course: Generator[Progress, None, Controller]) -> tuple[list[Progress], Controller]:
    told = []
    while True:
        try:
            told.append(next(course))
        except StopIteration as end:
            return told, end.value


def settled(controller: Controller, bench: Testbed) -> tuple[int, ...]:
    """What it chooses once it has seen what it chose."""
    for _ in range(4):
        cuts = controller.choose(bench)
        controller.saw(cuts, bench.seconds(cuts))
    return cuts


class Book(Testbed):
    """Writes down what is tried."""

    def __init__(self, **options: object) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
        self.tried: list[tuple[int, ...]] = []

    def seconds(self, cuts: Sequence[int]) -> list[float]:
        self.tried.append(tuple(cuts))
        return super().seconds(cuts)


@pytest.mark.parametrize("seed", range(5))
def test_it_reaches_95_percent_of_the_best_reward_that_groups_can_have(seed: int) -> None:
    torch.set_num_threads(1)
    _, controller = finished(trained(Testbed(noise=0.05, seed=seed), VGG5, 3, Knobs(seed=seed), None))
    bench = Testbed()
    baseline = bench.seconds(NATIVE)
    best = Oracle(VGG5, controller.grouping, cost=lambda seconds: (-reward(seconds, baseline),)).choose(bench)
    found = reward(bench.seconds(settled(controller, bench)), baseline)
    assert found >= 0.95 * reward(bench.seconds(best), baseline) > 0


@pytest.mark.parametrize("seed", range(3))
def test_a_client_whose_bandwidth_drops_moves_toward_native_and_back_when_it_recovers(seed: int) -> None:
    torch.set_num_threads(1)
    _, controller = finished(trained(Testbed(slow_windows=True, noise=0.05, seed=seed), VGG5, 3, Knobs(seed=seed)))
    assert controller.tried == (True, True, True)
    well = settled(controller, Testbed())
    for client in range(4):
        slow = settled(controller, Testbed(mbps=[*WIFI[:client], 4.0, *WIFI[client + 1:]]))
        assert slow[client] > well[client]
        assert [*slow[:client], *slow[client + 1:]] == [*well[:client], *well[client + 1:]]
        assert settled(controller, Testbed()) == well


def test_who_is_in_a_group_that_was_never_tried_offloads_nothing() -> None:
    _, controller = finished(trained(Testbed(), VGG5, 3, SHORT))
    assert controller.tried == (True, True, False)
    assert controller.choose(Testbed(mbps=[75, 75, 75, 4, 75]))[3] == VGG5.native


def test_it_makes_as_many_updates_as_were_asked_for_and_tries_nothing_after() -> None:
    bench = Book()
    told, _ = finished(trained(bench, VGG5, 3, replace(SHORT, updates=4)))
    assert [progress.update for progress in told] == [1, 2, 3, 4]
    # Two rounds begin the training, and one each episode that one of the 40 steps began.
    assert 2 + 40 <= len(bench.tried) <= 2 + 40 + 39


def test_where_nothing_is_better_than_no_offloading_it_goes_on_too() -> None:
    bench = Book(mbps=[0.1] * 5)
    told, _ = finished(trained(bench, VGG5, 3, replace(SHORT, updates=12), None))
    assert len(told) == 12
    # Each step ended its episode, and each step but the first began one.
    assert len(bench.tried) == 2 + 120 + 119


def test_an_episode_begins_without_offloading_and_ends_after_its_steps() -> None:
    bench = Book()
    # So fast a link that each round is better than the baseline but by chance all are native.
    finished(trained(bench, VGG5, 2, replace(SHORT, updates=2, steps_an_episode=5), None))
    begins = [at for at, cuts in enumerate(bench.tried) if cuts == NATIVE]
    assert begins[:2] == [0, 1]
    assert all(later - sooner <= 6 for sooner, later in pairwise(begins))


def test_the_baseline_is_measured_anew_for_each_episode() -> None:
    """Devices that get ten times slower: what is offloaded then is still a gain over what they need by then."""

    class Tiring(Testbed):
        def seconds(self, cuts: Sequence[int]) -> list[float]:
            self.speeds = self.speeds * 0.99
            return super().seconds(cuts)

    told, controller = finished(trained(Tiring(), VGG5, 3, replace(SHORT, updates=10, steps_an_episode=5), None))
    assert controller.observer.baseline[0] > 2 * Testbed().seconds(NATIVE)[0]
    assert told[-1].mean_reward > 0


def test_the_mean_reward_is_that_of_the_steps_of_the_update() -> None:
    bench = Book()
    told, _ = finished(trained(bench, VGG5, 3, replace(SHORT, updates=1, steps_an_update=4), None))
    baseline, fresh = Testbed().seconds(NATIVE), Testbed()
    # A round without offloading is worth 0, be it a step's or an episode's beginning.
    assert told[0].mean_reward == pytest.approx(sum(reward(fresh.seconds(cuts), baseline) for cuts in bench.tried) / 4)
    assert told[0].mean_reward != 0


def test_the_same_seed_finds_the_same() -> None:
    one, two, other = (finished(trained(Testbed(), VGG5, 3, replace(SHORT, seed=seed))) for seed in (1, 1, 2))
    assert one[0] == two[0] != other[0]
    assert all(torch.equal(value, two[1].state()[name]) for name, value in one[1].state().items())


def test_a_controller_goes_on_from_its_state() -> None:
    _, controller = finished(trained(Testbed(), VGG5, 3, SHORT))
    _, other = finished(trained(Testbed(speeds=[1e9, 2e9, 3e9, 4e9, 5e9]), VGG5, 3, replace(SHORT, seed=3)))
    slow = Testbed(mbps=[75, 4, 75, 75, 75])
    settled(controller, slow)
    assert controller.tried == (True, True, False)
    other.tried = (True, True, True)
    other.load({name: value.clone() for name, value in controller.state().items()})
    assert all(torch.equal(value, other.state()[name]) for name, value in controller.state().items())
    assert settled(other, slow) == settled(controller, slow)


def test_without_updates_there_is_a_controller_for_a_state_to_be_loaded_into() -> None:
    _, controller = finished(trained(Testbed(), VGG5, 3, SHORT))
    told, empty = finished(trained(Testbed(), VGG5, 3, replace(SHORT, updates=0)))
    empty.load(controller.state())
    assert told == []
    assert settled(empty, Testbed()) == settled(controller, Testbed())


@pytest.mark.parametrize("knobs", [PUBLISHED, replace(PUBLISHED, relative_times=True), replace(PUBLISHED, bandwidth_seen=True)])
def test_whatever_the_agent_sees_it_earns_more_than_chance(knobs: Knobs) -> None:
    torch.set_num_threads(1)
    told, _ = finished(trained(Testbed(), VGG5, 3, replace(knobs, discount=0.0, updates=30, steady_updates=0), None))
    assert sum(each.mean_reward for each in told[-5:]) > sum(each.mean_reward for each in told[:5]) + 1


def test_choosing_tries_nothing_out_and_learns_nothing() -> None:
    _, controller = finished(trained(Testbed(), VGG5, 3, SHORT))
    bench, before = Book(), controller.agent.state()
    assert controller.choose(bench) == controller.choose(bench)
    assert bench.tried == []
    assert all(torch.equal(value, before[name]) for name, value in controller.agent.state().items())
