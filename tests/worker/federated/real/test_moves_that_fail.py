"""A move that does not come about changes nothing of what is learnt: the client stays, or comes back; one that does neither."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.worker.federated.real.by_hand import Stage, stage
from worker.federated.real.words import ENDED, HERE, MOVED, STAYED, UPDATE, Going, state_in
from worker.federated.states import same
from worker.links.wire import Address, Listener

MIDDLE = 4


@pytest.fixture
def two(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path, "a", "b") as found:
        yield found


@pytest.fixture
def nobody() -> Iterator[Address]:
    """Where nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()


def learnt(two: Stage) -> str:
    """Who reports the client, once, with the weights of a round without a move."""
    edge, update = two.next(UPDATE)
    assert same(state_in(update), two.unmoved)
    two.next(ENDED)
    return edge


def test_a_move_that_comes_about_is_reported_by_the_new_server_alone(two: Stage) -> None:
    two.round(two.work(goings=[Going(MIDDLE, "b", "migrates")]), peers={"b": two.address("b")})
    two.device({name: two.address(name) for name in "ab"})
    _, moved = two.next(MOVED)
    assert moved.facts["moved_bytes"] > 0 < moved.facts["moved_s"]
    assert learnt(two) == "b"
    assert not [frame.kind for _, frame in two.heard.queue if frame.kind == UPDATE]


@pytest.mark.parametrize("on_move", ["migrates", "restarts"])
def test_who_cannot_reach_the_new_server_comes_back(two: Stage, nobody: Address, on_move: str) -> None:
    two.round(two.work(goings=[Going(MIDDLE, "b", on_move)]), peers={"b": two.address("b")})
    two.device({"a": two.address("a"), "b": nobody})
    assert two.next(MOVED)[0] == "a"
    assert two.next(HERE)[0] == "a"
    assert learnt(two) == "a"


def test_who_is_not_known_at_the_new_server_comes_back(two: Stage) -> None:
    two.begin("c")
    two.round(two.work(goings=[Going(MIDDLE, "b", "migrates")]), peers={"b": two.address("b")})
    two.device({"a": two.address("a"), "b": two.address("c")})
    assert learnt(two) == "a"


def test_without_an_acknowledgement_the_client_stays(two: Stage) -> None:
    with Listener("127.0.0.1", 0, token="token", run="run", most_bytes=1 << 24, patience_s=60.0) as mute:
        two.round(two.work(goings=[Going(MIDDLE, "b", "migrates")]), peers={"b": mute.address}, ack_s=0.5)
        two.device({"a": two.address("a"), "b": mute.address})
        edge, stayed = two.next(STAYED)
        assert (edge, stayed.facts["to"]) == ("a", "b")
        assert learnt(two) == "a"


def test_a_server_that_is_not_there_keeps_the_client_where_it_is(two: Stage, nobody: Address) -> None:
    two.round(two.work(goings=[Going(MIDDLE, "b", "migrates")]), peers={"b": nobody})
    two.device({"a": two.address("a"), "b": nobody})
    assert "Nobody can be reached" in two.next(STAYED)[1].facts["why"]
    assert learnt(two) == "a"
