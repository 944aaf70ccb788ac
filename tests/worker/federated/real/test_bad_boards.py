"""A board that says what no device says, or calls itself another, harms nobody: neither edge servers nor the other clients."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.portal import strain, until
from tests.worker.federated.real.by_hand import MOST_BYTES, PATIENCE_S, Stage, stage
from worker.context import HostInput
from worker.federated.real.bridge import Bridge, Member
from worker.federated.real.edge import MOST_UPDATES
from worker.federated.real.setup import Order
from worker.federated.real.words import (
    CALL,
    COORDINATE,
    GLOBAL,
    GONE,
    HELLO,
    HERE,
    LEAVE,
    NONE_YET,
    ORDER,
    READY,
    SORRY,
    WEIGHTS,
    WORK,
)
from worker.links.faults import LinkFault
from worker.links.frames import Frame
from worker.links.wire import Listener, Wire

TOKEN = "7" * 64


class Played:
    """A board that the test plays, and the coordinator's real end of it, in a round at the edge server `a`."""

    def __init__(self, one: Stage) -> None:
        self._listener = Listener("127.0.0.1", 0, token=TOKEN, run="run", most_bytes=MOST_BYTES, patience_s=PATIENCE_S)
        host = HostInput(2, "pi", "run", ("127.0.0.1",), self._listener.port, "", TOKEN)
        self.stage, self.bridge = one, Bridge(Member("pi", host), one.setup("coordinator"))
        self.come()

    def come(self) -> None:
        self.wire: Wire = self._listener.accept(30 * strain())
        self.wire.send(Frame(READY, {"torch": "1.0", "machine": "a toaster", "threads": 1}))
        until(self.bridge.is_there.is_set, 30, "the board is there")
        assert self.bridge.order(Order(1, "a", {"a": self.stage.address("a")}, ""))
        assert self.wire.receive().kind == ORDER

    def says(self, kind: str, **facts: Any) -> None:
        self.wire.send(Frame(kind, facts))

    def greets(self, number: int = 1, client: str = "pi", edge: str = "a") -> None:
        self.says(CALL, call=number, edge=edge)
        self.says(HELLO, call=number, client=client, round=1, batch=NONE_YET, dealt=True)

    def is_dropped(self) -> bool:
        try:
            while True:
                self.wire.receive(30 * strain())
        except LinkFault:
            return True

    def close(self) -> None:
        self.bridge.close()
        self._listener.close()


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Played]:
    with stage(tmp_path, "a") as one, played(one) as found:
        one.round(one.work())
        yield found


@contextmanager
def played(one: Stage) -> Iterator[Played]:
    found = Played(one)
    try:
        yield found
    finally:
        found.close()


def test_a_device_is_carried_to_the_edge_server_and_back_with_its_number(board: Played) -> None:
    board.greets()
    told = board.wire.receive()
    assert told.kind == WORK and told.facts["call"] == 1 and told.tensors


@pytest.mark.parametrize("kind", [COORDINATE, GLOBAL, "migrate", "pickle"])
def test_what_no_device_says_is_not_carried_and_the_board_may_begin_anew(board: Played, kind: str) -> None:
    board.says(CALL, call=1, edge="a")
    board.says(kind, call=1, round=1, works=[], peers={}, ack_s=1.0)
    assert board.is_dropped()
    board.come()
    board.greets()
    assert board.wire.receive().kind == WORK


def test_a_board_is_known_by_the_name_that_the_run_has_for_it_whatever_it_calls_itself(board: Played) -> None:
    board.greets(client="phone")
    assert board.wire.receive().kind == WORK
    _, here = board.stage.next(HERE)
    assert here.facts["client"] == "pi"


def test_an_edge_server_where_it_has_nothing_to_do_is_not_reached(board: Played) -> None:
    board.greets(edge="b")
    gone = board.wire.receive()
    assert gone.kind == GONE and "nothing to do at 'b'" in gone.facts["why"]
    board.greets(number=2)
    assert board.wire.receive().kind == WORK


@pytest.mark.parametrize("call", [{"call": "one", "edge": "a"}, {"edge": "a"}, {"call": None, "edge": "a"}])
def test_a_call_that_is_none_ends_that_connection_alone(board: Played, call: dict[str, Any]) -> None:
    board.says(CALL, **call)
    assert board.is_dropped()
    board.come()
    board.greets()
    assert board.wire.receive().kind == WORK


@pytest.mark.parametrize("number", [2, 10**9, "1", None])
def test_a_round_that_it_was_not_told_of_is_not_waited_for_at_an_edge_server(board: Played, number: object) -> None:
    board.says(CALL, call=1, edge="a")
    board.says(HELLO, call=1, round=number, batch=NONE_YET, dealt=True)
    assert board.is_dropped()
    board.come()
    board.greets()
    assert board.wire.receive().kind == WORK


def test_weights_that_are_sent_again_and_again_are_not_passed_on_for_ever(board: Played) -> None:
    board.greets()
    assert board.wire.receive().kind == WORK
    for _ in range(MOST_UPDATES + 1):
        board.says(WEIGHTS, call=1, round=1, images=1, batches=1)
    said = next(frame for frame in iter(board.wire.receive, None) if frame.kind == SORRY)
    assert f"has sent its weights {MOST_UPDATES} times in this round" in said.facts["why"]


def test_what_is_said_late_of_a_call_that_is_over_goes_nowhere(board: Played) -> None:
    board.greets()
    assert board.wire.receive().kind == WORK
    board.says(LEAVE, call=1)
    board.says("bye", call=1, round=1)
    board.greets(number=2)
    said = next(frame for frame in iter(board.wire.receive, None) if frame.kind != GONE)
    assert (said.kind, said.facts["call"]) == (WORK, 2)


def test_a_board_with_another_token_is_not_spoken_with(board: Played) -> None:
    other = Listener("127.0.0.1", 0, token="8" * 64, run="run", most_bytes=MOST_BYTES, patience_s=PATIENCE_S)
    member = board.bridge.member
    bridge = Bridge(replace(member, host=replace(member.host, port=other.port)), board.stage.setup("coordinator"))
    try:
        until(lambda: "not reached yet" not in bridge.fault, 60 * strain(), "an answer")
        assert not bridge.is_there.is_set()
    finally:
        bridge.close()
        other.close()


def test_a_board_that_came_back_in_a_round_that_it_was_not_told_of_stays_when_that_ends(board: Played) -> None:
    board.wire.close()
    board.wire = board._listener.accept(30 * strain())
    board.wire.send(Frame(READY, {}))
    until(board.bridge.is_there.is_set, 30 * strain(), "the board is there again")
    board.bridge.give_up()
    assert board.bridge.order(Order(2, "a", {}, "")) and board.wire.receive().kind == ORDER
    board.bridge.give_up()
    assert board.is_dropped(), "of the one that was told, and did not keep it, the connection is made anew"
