"""A round as the coordinator sees it: who came in, who is where, who is lost, and what each one spent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from worker.federated.clock import Spent
from worker.federated.gathering import Gathering
from worker.federated.real.words import ENDED, GONE, HERE, MOVED, STAYED, UPDATE, Strayed, seconds_in, state_in, whole_in
from worker.federated.round_clock import Moving
from worker.links.frames import Frame

# Who lost its connection may make another; so long is waited for that when nobody else is awaited.
COMES_BACK_S = 2.0
Facts = dict[str, Any]
PARTS = ("compute_s", "edge_s", "queue_s", "moved_s")


@dataclass(frozen=True)
class Moved:
    """A move as it was done: `moved_bytes` of the message, `moved_s` from packing it to having its hash back."""

    after: int
    edge: str
    moved_bytes: int
    moved_s: float


class Said(NamedTuple):
    """Who said it, and when it was heard."""

    edge: str
    at_s: float
    frame: Frame


@dataclass
class Watch:
    """`homes`: where each one who takes part begins; `began_s`: when the weights were sent, infinite until they are."""

    gathering: Gathering
    homes: Mapping[str, str]
    began_s: float = math.inf
    most_s: float = math.inf
    at: dict[str, str] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    gone: dict[str, float] = field(default_factory=dict)
    spent: dict[str, Spent] = field(default_factory=dict)
    moved: dict[str, list[Moved]] = field(default_factory=dict)
    link_bytes: dict[str, int] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    @property
    def is_here(self) -> bool:
        """Whether all have come to their edge servers."""
        return all(client in self.at or client in self.settled for client in self.homes)

    def is_over(self, now: float) -> bool:
        """Whether nobody can be waited for any more."""
        return all(client in self.settled or now - self.gone.get(client, math.inf) > COMES_BACK_S for client in self.homes)

    def heard(self, edge: str, at_s: float, frame: Frame) -> None:
        """What does not belong to this round makes no difference to it."""
        client, number = frame.facts.get("client"), frame.facts.get("of", frame.facts.get("round"))
        hears = {HERE: self._here, UPDATE: self._update, ENDED: self._ended, GONE: self._gone, MOVED: self._moved,
                 STAYED: self._stayed}.get(frame.kind)
        if hears is not None and client in self.homes and number == self.gathering.number:
            hears(str(client), frame.facts, Said(edge, at_s, frame))

    def came_about(self, move: Moving) -> bool:
        """Whether the client went there, and did not come back because nobody was to be reached."""
        own = self.moved.get(move.client, [])
        is_last = bool(own) and (own[-1].after, own[-1].edge) == (move.after, move.edge)
        return (not is_last or self.at.get(move.client) == move.edge) and any(
            (each.after, each.edge) == (move.after, move.edge) for each in own)

    def carried(self, move: Moving) -> int:
        return next(each.moved_bytes for each in self.moved[move.client] if (each.after, each.edge) == (move.after, move.edge))

    def ended(self, client: str, at_s: float) -> None:
        """Its process is no more; what it sent may still be under way."""
        self.gone.setdefault(client, at_s)

    def lost(self, edge: str) -> None:
        """An edge server is no more: who is there has lost the round."""
        for client, home in self.homes.items():
            if self.at.get(client, home) == edge:
                self.settled.add(client)

    def _here(self, client: str, _facts: Facts, said: Said) -> None:
        self.at[client] = said.edge
        self.gone.pop(client, None)
        if (own := self.moved.get(client)) and own[-1].edge != said.edge:
            self.said.append(f"{client} came back to {said.edge}, for it did not reach {own[-1].edge}.")

    def _update(self, client: str, facts: Facts, said: Said) -> None:
        try:
            number, images = whole_in(facts, "round"), whole_in(facts, "images")
        except Strayed as fault:
            self.gathering.refused.append((client, str(fault)))
            return
        self.gathering.take(client, number, state_in(said.frame), images)
        if client not in self.spent:
            self.spent[client] = self._spent(client, facts, said.at_s - self.began_s)

    def _spent(self, client: str, facts: Facts, ended_s: float) -> Spent:
        """What the client says, within what it can have been; what is left of its time it was on the way."""
        compute_s, edge_s, queue_s, moved_s = (seconds_in(facts, name, ended_s) for name in PARTS)
        moved_s += sum(each.moved_s for each in self.moved.get(client, []))
        rest = max(0.0, ended_s - compute_s - edge_s - queue_s - moved_s)
        batches = facts.get("batches")
        return Spent(compute_s, rest, edge_s, queue_s, moved_s, ended_s, batches if type(batches) is int else 0)

    def _ended(self, client: str, facts: Facts, _said: Said) -> None:
        self.settled.add(client)
        self._counted(client, facts)

    def _gone(self, client: str, facts: Facts, said: Said) -> None:
        self._counted(client, facts)
        if self.at.get(client) == said.edge and facts.get("newest") is True:
            self.gone[client] = said.at_s

    def _moved(self, client: str, facts: Facts, _said: Said) -> None:
        self.at.pop(client, None)
        self.moved.setdefault(client, []).append(
            Moved(int(facts["after"]), str(facts["to"]), int(facts["moved_bytes"]), float(facts["moved_s"])))

    def _stayed(self, client: str, facts: Facts, _said: Said) -> None:
        self.said.append(f"{client} stays where it is, for its state did not come to {facts.get('to')}: {facts.get('why')}")

    def _counted(self, client: str, facts: Facts) -> None:
        self.link_bytes[client] = self.link_bytes.get(client, 0) + whole_in(facts, "link_bytes")
