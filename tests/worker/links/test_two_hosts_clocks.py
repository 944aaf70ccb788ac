"""How far another host's clock is ahead, over a wire, with the most it can be wrong."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worker.links.ends import beside, wires
from worker.links import clocks
from worker.links.faults import Strange
from worker.links.frames import Frame

TIMES = st.integers(0, 10**9)


class Played:
    """A host whose clock is ahead, over ways that take what they are said to take."""

    def __init__(self, ahead: int, delays: list[tuple[int, int, int]]) -> None:
        self.now, self._ahead, self._delays, self._pong = 10**12, ahead, iter(delays), Frame("none")

    def send(self, frame: Frame) -> None:
        there, held, back = next(self._delays)
        received = self.now + there + self._ahead
        self.now += there + held + back
        self._pong = Frame(clocks.PONG, {"number": frame.facts["number"], "received_ns": received, "sent_ns": received + held})

    def receive(self) -> Frame:
        return self._pong


@given(st.integers(-10**15, 10**15), st.lists(st.tuples(TIMES, TIMES, TIMES), min_size=1, max_size=8))
def test_the_true_offset_is_within_what_is_said(ahead: int, delays: list[tuple[int, int, int]]) -> None:
    host = Played(ahead, delays)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clocks, "now_ns", lambda: host.now)
        found = clocks.offset(host, len(delays))
    assert abs(found.ahead_ns - ahead) <= found.within_ns
    assert found.round_trip_ns == min(there + back for there, _, back in delays)
    assert found.ours(found.ahead_ns + 5) == 5


def test_ways_of_the_same_length_leave_no_error() -> None:
    host = Played(777, [(40_000, 5, 40_000)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clocks, "now_ns", lambda: host.now)
        assert clocks.offset(host, 1).ahead_ns == 777


def test_two_ends_on_one_host_have_the_same_clock() -> None:
    with wires() as (one, other), beside(lambda: [clocks.answer(other, other.receive()) for _ in range(clocks.TRIES)]):
        begun = time.monotonic_ns()
        found = clocks.offset(one)
    assert abs(found.ahead_ns) <= found.within_ns
    assert 0 < found.round_trip_ns <= time.monotonic_ns() - begun


@pytest.mark.parametrize("pong", [Frame("image"), Frame("pong", {"number": 7}), Frame("pong", {"number": 0, "received_ns": 1.5}),
                                  Frame("pong", {"number": 0, "received_ns": 1, "sent_ns": "2"}),
                                  Frame("pong", {"number": 0, "received_ns": True, "sent_ns": 1})])
def test_an_answer_that_is_none_is_strange(pong: Frame) -> None:
    with (wires() as (one, other), beside(lambda: (other.receive(), other.send(pong))),
          pytest.raises(Strange, match=r"[Aa] p[io]ng")):
        clocks.offset(one)
