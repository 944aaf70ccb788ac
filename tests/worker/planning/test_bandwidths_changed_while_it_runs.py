"""Bandwidths that are changed while a run goes on are told so that the rounds in which each counted can be read back."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from worker.events import Metric
from worker.planning.rates_changed import read, told

WANTED = st.dictionaries(st.sampled_from(["pi", "jetson, the old"]), st.sampled_from([0.5, 1.0, 20.0]))


def said(rounds: list[dict[str, float]]) -> list[Metric]:
    """What a run says in which so much was wanted, round by round."""
    return [each for number, (before, now) in enumerate(pairwise([{}, *rounds]), 1) for each in told(number, now, before)]


@given(st.lists(WANTED, min_size=1, max_size=8))
def test_what_is_read_is_what_was_wanted_in_each_round(rounds: list[dict[str, float]]) -> None:
    rates = read(said(rounds), len(rounds))
    found = [{each.client: each.mbps for each in rates if each.first <= number <= each.last}
             for number in range(1, len(rounds) + 1)]
    assert found == rounds


@given(st.lists(WANTED, min_size=1, max_size=8))
def test_a_resumed_run_may_say_it_in_another_order(rounds: list[dict[str, float]]) -> None:
    assert set(read(reversed(said(rounds)), len(rounds))) == set(read(said(rounds), len(rounds)))
    assert len({each.key for each in said(rounds)}) == len(said(rounds))


def test_what_stays_as_it_is_is_said_once_and_lasts_until_the_last_round() -> None:
    assert len(said([{"pi": 1.0}] * 3)) == 1
    assert list(map(str, read(said([{}, {"pi": 1.0}, {"pi": 1.0}]), 20))) == ["rounds 2-20: pi 1 Mbit/s"]
