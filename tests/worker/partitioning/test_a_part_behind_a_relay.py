"""A part that nobody connects to is reached from the board of the part before it, by the relay that listens there."""

from __future__ import annotations

import pytest

from worker.links.faults import Refused
from worker.partitioning.slicing.setup import Stop

NOWHERE, THERE = Stop((), 0, "run", "token"), Stop(("10.0.0.5",), 7443, "run", "token", "ab" * 32)


def test_without_an_address_the_relay_on_this_board_is_taken() -> None:
    assert NOWHERE.by(4711) == Stop(("127.0.0.1",), 4711, "run", "token")
    assert Stop.from_facts(NOWHERE.as_facts()) == NOWHERE, "it is told to the board before it as it is"


def test_a_part_that_takes_connections_is_reached_directly_whatever_listens_here() -> None:
    assert THERE.by(4711) == THERE


def test_without_a_relay_nobody_is_there() -> None:
    with pytest.raises(Refused, match="nobody here relays to it"):
        NOWHERE.by(0).reach(1.0, 1 << 20)
