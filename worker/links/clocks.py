"""How far the clock of the host at the other end of a wire is ahead, so that stamps of two hosts can be compared.

A ping says nothing but its number; the answer says when it was there. Whatever the two ways took, the answer was there between
sending and hearing of it, so that half the round trip is the most by which the middle can be wrong.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Protocol

from worker.links.faults import Strange
from worker.links.frames import Frame

PING, PONG = "ping", "pong"
TRIES = 16


class Talk(Protocol):
    def send(self, frame: Frame) -> None: ...
    def receive(self) -> Frame: ...


@dataclass(frozen=True)
class Offset:
    """Their clock shows `ahead_ns` more than ours, give or take `within_ns`; the shortest round trip took `round_trip_ns`."""

    ahead_ns: int
    within_ns: int
    round_trip_ns: int

    def ours(self, theirs_ns: int) -> int:
        """A moment of their clock, by ours."""
        return theirs_ns - self.ahead_ns


def now_ns() -> int:
    """The clock of all stamps: it never jumps, and where it begins differs from host to host. One for all processes of a host."""
    return time.monotonic_ns()


def offset(talk: Talk, tries: int = TRIES) -> Offset:
    """Ask so many times; the shortest round trip is believed, as least can have gone wrong on it."""
    return min((_once(talk, number) for number in range(max(1, tries))), key=lambda found: found.round_trip_ns)


def answer(talk: Talk, ping: Frame) -> None:
    """What the host at the other end does with a frame of kind `ping`."""
    received = now_ns()
    talk.send(Frame(PONG, {"number": ping.facts.get("number"), "received_ns": received, "sent_ns": now_ns()}))


def _once(talk: Talk, number: int) -> Offset:
    left = now_ns()
    talk.send(Frame(PING, {"number": number}))
    pong = talk.receive()
    back = now_ns()
    if pong.kind != PONG or pong.facts.get("number") != number:
        raise Strange(f"A ping {number} was to be answered by its pong; got {pong.kind!r}, {pong.facts.get('number')!r:.40}.")
    there, gone = _stamp(pong.facts, "received_ns"), _stamp(pong.facts, "sent_ns")
    round_trip = max(0, (back - left) - (gone - there))
    return Offset((there - left + gone - back) // 2, (round_trip + 1) // 2, round_trip)


def _stamp(facts: dict[str, Any], name: str) -> int:
    stamp = facts.get(name)
    if type(stamp) is not int:
        raise Strange(f"A pong says {name} as a whole number; got {stamp!r:.40}.")
    return stamp
