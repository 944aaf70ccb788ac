"""What FedAdapt is compared with: rules that look at times, chance, and the best setting there is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.worker.federated.adapt.fedadapt_lab import VGG5, Testbed
from worker.federated.adapt.grouping import grouped
from worker.federated.adapt.mapping import Points
from worker.federated.adapt.oracles import Oracle, round_time
from worker.federated.adapt.policies import Classic, Fixed, Greedy, Policy, Random, Teaching

POINTS = Points((0.2, 0.6, 1.0))


class Table:
    """Seconds by client and point; `crowd`: added for each other client that offloads, to those that do."""

    def __init__(self, seconds: Sequence[Sequence[float]], crowd: float = 0.0) -> None:
        self.table, self.crowd, self.asked = np.asarray(seconds), crowd, 0

    def mbps(self) -> list[float]:
        return [50.0] * len(self.table)

    def seconds(self, cuts: Sequence[int]) -> list[float]:
        self.asked += 1
        away = [cut < 2 for cut in cuts]
        return [float(self.table[client, cut]) + self.crowd * (sum(away) - 1) * away[client] for client, cut in enumerate(cuts)]


TABLE = [[3.0, 4.0, 9.0], [5.0, 2.0, 3.0], [4.0, 3.0, 1.0]]


def test_by_hand_each_policy_chooses_what_it_stands_for() -> None:
    assert Classic(POINTS).choose(Table(TABLE)) == (2, 2, 2)
    assert Fixed(POINTS, 1).choose(Table(TABLE)) == (1, 1, 1)
    assert Greedy(POINTS).choose(Table(TABLE)) == (0, 1, 2)
    assert Oracle(POINTS).choose(Table(TABLE)) == (0, 1, 2)
    assert Teaching(POINTS, point=0).choose(Table(TABLE)) == (0, 2, 2)


def test_the_oracle_of_groups_gives_a_group_one_point() -> None:
    groups = grouped([9.0, 3.0, 1.0], 2, None)
    assert groups.by_time == (0, 1, 1)
    table = [[3.0, 4.0, 9.0], [5.0, 2.0, 6.0], [4.0, 3.0, 1.0]]
    assert Oracle(POINTS).choose(Table(table)) == (0, 1, 2)
    assert Oracle(POINTS, groups).choose(Table(table)) == (0, 1, 1)


def test_of_settings_with_equal_rounds_the_sum_decides() -> None:
    assert Oracle(POINTS).choose(Table([[9.0, 9.0, 8.0], [2.0, 1.0, 3.0]])) == (2, 1)


def test_of_settings_that_are_equal_the_one_that_offloads_least_is_taken() -> None:
    assert Oracle(POINTS).choose(Table([[1.0] * 3] * 3)) == (2, 2, 2)
    assert Greedy(POINTS).choose(Table([[1.0] * 3] * 3)) == (2, 2, 2)


def test_where_clients_crowd_the_server_greed_is_not_best() -> None:
    bench = Table([[4.0, 5.0, 8.0], [4.0, 5.0, 6.0]], crowd=5.0)
    assert Greedy(POINTS).choose(bench) == (0, 0)  # 9 s each
    assert Oracle(POINTS).choose(bench) == (0, 2)


def test_all_settings_are_tried_once_and_no_more_than_may_be() -> None:
    bench = Table(TABLE)
    Oracle(POINTS).choose(bench)
    assert bench.asked == 27
    many = Table([[3.0, 2.0, 4.0]] * 9)
    Oracle(POINTS, most_settings=100).choose(many)
    assert many.asked <= 1 + 2 * 9 * 2


@settings(max_examples=30)
@given(st.lists(st.tuples(*[st.sampled_from([1.0, 2.0, 3.0, 5.0])] * 3), min_size=1, max_size=4))
def test_where_clients_share_nothing_place_by_place_is_as_good_as_everything(table: list[tuple[float, float, float]]) -> None:
    exact, descended = Oracle(POINTS).choose(Table(table)), Oracle(POINTS, most_settings=0).choose(Table(table))
    assert round_time(np.array(Table(table).seconds(descended))) == round_time(np.array(Table(table).seconds(exact)))
    assert Table(table).seconds(Greedy(POINTS).choose(Table(table))) == [min(row) for row in table]


@settings(max_examples=30)
@given(st.lists(st.tuples(*[st.floats(1, 9)] * 3), min_size=2, max_size=4), st.floats(0, 3))
def test_no_policy_beats_the_oracle(table: list[tuple[float, float, float]], crowd: float) -> None:
    bench = Table(table, crowd)
    best = max(bench.seconds(Oracle(POINTS).choose(bench)))
    rivals: list[Policy] = [Classic(POINTS), Fixed(POINTS, 0), Greedy(POINTS), Random(POINTS), Teaching(POINTS)]
    assert all(max(bench.seconds(rival.choose(bench))) >= best for rival in rivals)


@settings(max_examples=30)
@given(st.lists(st.tuples(*[st.floats(1, 9)] * 3), min_size=2, max_size=5), st.floats(0, 3))
def test_place_by_place_ends_where_no_single_change_helps(table: list[tuple[float, float, float]], crowd: float) -> None:
    bench = Table(table, crowd)
    found = Oracle(POINTS, most_settings=0).choose(bench)
    cost = round_time(np.array(bench.seconds(found)))
    changed = [[*found[:client], point, *found[client + 1:]] for client in range(len(found)) for point in range(3)]
    assert all(round_time(np.array(bench.seconds(each))) >= cost for each in changed)


def test_chance_has_a_seed_and_reaches_every_point() -> None:
    drawn = [Random(VGG5, seed=1), Random(VGG5, seed=1)]
    rounds = [[policy.choose(Testbed()) for _ in range(20)] for policy in drawn]
    assert rounds[0] == rounds[1]
    assert {cut for cuts in rounds[0] for cut in cuts} == {1, 3, 4, 6}
    assert len(set(rounds[0])) > 10


def test_in_the_lab_the_two_line_rule_is_as_good_as_the_oracle() -> None:
    assert Oracle(VGG5).choose(Testbed()) == Teaching(VGG5).choose(Testbed()) == (1, 1, 1, 1, 6)


def test_in_the_lab_the_oracle_halves_the_round() -> None:
    bench = Testbed()
    assert max(bench.seconds(Oracle(VGG5).choose(bench))) <= max(bench.seconds(Classic(VGG5).choose(bench))) / 2


def test_all_alike_the_two_line_rule_offloads_all() -> None:
    assert Teaching(POINTS).choose(Table([[1.0, 1.0, 2.0]] * 3)) == (1, 1, 1)


@pytest.mark.parametrize("point", [-1, 3])
def test_a_point_that_is_none_is_refused(point: int) -> None:
    with pytest.raises(ValueError, match="between 0 and 2"):
        Fixed(POINTS, point)


@pytest.mark.parametrize("told", [[1.0], [1.0, float("nan"), 1.0], [1.0, 0.0, 1.0], [1.0, float("inf"), 1.0]])
def test_times_that_are_none_are_refused(told: list[float]) -> None:
    class Odd(Table):
        def seconds(self, cuts: Sequence[int]) -> list[float]:
            return told

    with pytest.raises(ValueError, match="3 clients"):
        Greedy(POINTS).choose(Odd(TABLE))
