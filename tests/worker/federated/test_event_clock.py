"""The clock: rounds by hand, queues first come first served, moves, and what restarts do again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.federated.clock import Hop, Job, round_times
from worker.federated.timing import Legs

LEGS = Legs(forward_s=1.0, up_s=2.0, edge_s=3.0, down_s=4.0, backward_s=5.0, up_bytes=10, down_bytes=10)
NATIVE = Legs(1.0, 0.0, 0.0, 0.0, 2.0, 0, 0)


def test_a_client_alone_takes_the_sum_of_its_legs() -> None:
    (spent,) = round_times([Job("a", "e", (LEGS,) * 3, fetch_s=0.5, give_s=0.25)], {"e": 1})
    assert spent.ended_s == 3 * 15 + 0.75 and spent.batches == 3 and spent.queue_s == 0
    assert (spent.compute_s, spent.send_s, spent.edge_s) == (18, 18.75, 9)


def test_who_trains_alone_needs_nobody() -> None:
    (spent,) = round_times([Job("a", "e", (NATIVE,) * 4)], {"e": 1})
    assert (spent.ended_s, spent.compute_s, spent.send_s, spent.edge_s) == (12, 12, 0, 0)


def test_two_that_come_at_once_are_served_one_after_the_other() -> None:
    first, second = round_times([Job("a", "e", (LEGS,)), Job("b", "e", (LEGS,))], {"e": 1})
    assert (first.queue_s, second.queue_s, second.ended_s - first.ended_s) == (0, 3, 3)


def test_two_slots_serve_two_and_servers_do_not_share_their_queues() -> None:
    assert {spent.queue_s for spent in round_times([Job("a", "e", (LEGS,)), Job("b", "e", (LEGS,))], {"e": 2})} == {0}
    assert {spent.queue_s for spent in round_times([Job("a", "e", (LEGS,)), Job("b", "f", (LEGS,))], {"e": 1, "f": 1})} == {0}


def test_who_comes_first_is_served_first_whoever_is_named_first() -> None:
    early = Legs(0.5, 0.5, 3.0, 0.0, 0.0, 1, 1)
    late = Legs(1.0, 1.0, 3.0, 0.0, 0.0, 1, 1)
    slow, quick = round_times([Job("slow", "e", (late,)), Job("quick", "e", (early,))], {"e": 1})
    assert quick.queue_s == 0 and slow.queue_s == 2


@pytest.mark.parametrize("after", [0, 3, 9])
def test_a_move_costs_its_seconds_once_and_a_restart_the_batches_behind_it(after: int) -> None:
    whole, moved, again = round_times([
        Job("a", "e", (LEGS,) * 10), Job("b", "e", (LEGS,) * 10, hops=(Hop(after, "f", 0.5),)),
        Job("c", "e", (LEGS,) * 10, hops=(Hop(after, "f", 0.0, restarts=True),))], {"e": 0, "f": 0})
    assert moved.ended_s == whole.ended_s + 0.5 and moved.batches == 10
    assert again.batches == after + 1 + 10
    # The batch at which it moved has no way back: its gradient never came.
    assert again.ended_s == whole.ended_s + 15 * (after + 1) - 9


def test_moves_behind_one_batch_all_come() -> None:
    hops = (Hop(1, "f", 5.0), Hop(1, "e", 5.0), Hop(2, "f", 5.0))
    (spent,) = round_times([Job("a", "e", (LEGS,) * 4, hops=hops)], {"e": 0, "f": 0})
    assert spent.moved_s == 15 and spent.moves_s == [5, 5, 5]


def test_behind_a_move_the_other_servers_pace_counts() -> None:
    fast = Legs(1.0, 2.0, 0.5, 4.0, 5.0, 10, 10)
    (spent,) = round_times([Job("a", "e", (LEGS,) * 4, hops=(Hop(1, "f", 0.0, legs=(fast,) * 4),))], {"e": 0, "f": 0})
    assert spent.edge_s == 2 * 3 + 2 * 0.5


def test_who_vanishes_gives_nothing_back() -> None:
    (spent,) = round_times([Job("a", "e", (LEGS,) * 4, give_s=99.0, ends_after=2)], {"e": 0})
    assert spent.vanished and spent.batches == 2 and spent.ended_s == 30


legs = st.builds(Legs, *[st.floats(0.001, 5)] * 5, st.just(1), st.just(1))


@given(st.lists(st.lists(legs, min_size=1, max_size=5), min_size=1, max_size=6), st.integers(1, 3))
def test_queues_only_ever_add_and_parts_add_up_to_the_whole(clients: list[list[Legs]], slots: int) -> None:
    jobs = [Job(str(place), "e", tuple(each), 0.1, 0.2) for place, each in enumerate(clients)]
    free, queued = round_times(jobs, {"e": 0}), round_times(jobs, {"e": slots})
    for alone, among in zip(free, queued, strict=True):
        assert among.ended_s == pytest.approx(alone.ended_s + among.queue_s)
        assert among.ended_s == pytest.approx(among.compute_s + among.send_s + among.edge_s + among.queue_s)
    # A server with one slot is busy for no less than all that it does.
    if slots == 1:
        assert max(each.ended_s for each in queued) >= sum(one.edge_s for each in clients for one in each)


@given(st.lists(st.lists(legs, min_size=1, max_size=4), min_size=2, max_size=5))
def test_with_a_slot_for_everybody_nobody_queues(clients: list[list[Legs]]) -> None:
    jobs = [Job(str(place), "e", tuple(each)) for place, each in enumerate(clients)]
    assert all(each.queue_s == 0 for each in round_times(jobs, {"e": len(jobs)}))
