"""A run's processes at work: ready, told where they belong, given a round's weights, listened to until the round is over."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from numpy.typing import NDArray

from worker.federated.dealing import Indices
from worker.federated.real.central import Central
from worker.federated.real.crew import Crew, Link
from worker.federated.real.setup import Order, Setup
from worker.federated.real.watching import Watch
from worker.federated.real.words import GLOBAL, OWN, Work, weights
from worker.federated.states import State
from worker.links import clocks
from worker.links.faults import LinkFault
from worker.links.frames import Frame
from worker.partitioning.slicing.faults import GaveUp

LOOK_S = 0.2
# Within which an edge server that has nothing to do answers.
ANSWERS_S = 10.0


@dataclass(frozen=True)
class Part:
    """A client's part in a round. `link`: what is emulated between it and any edge server; `own`: the positions of its images."""

    work: Work
    edge: str
    link: Link | None
    own: Indices
    fault: str

    @property
    def edges(self) -> list[str]:
        """Where it may be in the round, the first one first."""
        return list(dict.fromkeys([self.edge, *(each.edge for each in self.work.goings)]))


class Running:
    """`between`: the link between edge servers; `ack_s`: how long a move waits for the other one."""

    def __init__(self, setup: Setup, edges: Sequence[str], crew: Crew, between: Link, ack_s: float) -> None:
        self.crew, self._central = crew, Central(setup)
        self._edges, self._between, self._ack_s = tuple(edges), between, ack_s

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._central.close()
        self.crew.close()

    def ready(self) -> list[str]:
        """Everybody runs, every edge server is talked to; in sentences, who was started again. GaveUp where it cannot be."""
        said = self._started()
        if hanging := self._silent():
            for edge in hanging:
                self._drop(edge)
            said += self._started()
        return said

    def _started(self) -> list[str]:
        said = self.crew.ready()
        for edge in self._edges:
            try:
                self._central.connect(edge, self.crew.address(edge))
            except LinkFault as fault:
                raise GaveUp(f"The edge server {edge} cannot be talked to: {fault}") from fault
        return said

    def _silent(self) -> list[str]:
        """Edge servers that run and do not answer: between two rounds they have nothing else to do."""
        awaited = {edge for edge in self._edges if self._central.say(edge, Frame(clocks.PING, {"number": 0}))}
        hanging, until = [edge for edge in self._edges if edge not in awaited], time.monotonic() + ANSWERS_S
        while awaited and (left := until - time.monotonic()) > 0:
            heard = self._central.next(left)
            if heard is not None and heard.frame is None:
                awaited.discard(heard.edge)
                hanging.append(heard.edge)
            elif heard is not None and heard.frame is not None and heard.frame.kind == clocks.PONG:
                awaited.discard(heard.edge)
        return [*hanging, *awaited]

    def order(self, number: int, parts: Sequence[Part], watch: Watch) -> None:
        """Tell devices where they belong, over links of this round's rates."""
        for part in parts:
            client = part.work.client
            routes = {edge: self.crew.route(client, edge, part.link) for edge in part.edges}
            if not self.crew.order(client, Order(number, part.edge, routes, part.fault)):
                watch.settled.add(client)

    def begin(self, number: int, parts: Sequence[Part], state: State, watch: Watch) -> None:
        """The round's weights and what is to be done, to all edge servers."""
        frames = {edge: self._global(number, edge, parts, weights(state)) for edge in self._edges}
        watch.began_s = time.monotonic()
        for edge, frame in frames.items():
            if not self._central.say(edge, frame):
                self._forget(edge, watch)

    def until(self, is_over: Callable[[], bool], watch: Watch, until_s: float) -> Generator[None, None, None]:
        """Listen, and come back now and then; at the moment `until_s` at the latest."""
        while not is_over() and (left := until_s - time.monotonic()) > 0:
            heard = self._central.next(min(left, LOOK_S))
            if heard is not None and heard.frame is not None:
                watch.heard(heard.edge, heard.at_s, heard.frame)
            elif heard is not None:
                self._forget(heard.edge, watch)
            for client in watch.homes:
                if not self.crew.runs(client):
                    watch.ended(client, time.monotonic())
            yield

    def _forget(self, edge: str, watch: Watch) -> None:
        """It does not answer any more; the next round has a new one."""
        watch.lost(edge)
        self._drop(edge)

    def _drop(self, edge: str) -> None:
        self._central.forget(edge)
        self.crew.forget(edge)

    def _global(self, number: int, edge: str, parts: Sequence[Part], state: Mapping[str, NDArray[Any]]) -> Frame:
        moving = [going.edge for part in parts for going in part.work.goings if going.on_move == "migrates"]
        peers = {other: self.crew.route(edge, other, self._between) for other in moving if other != edge}
        own = {OWN + part.work.client: part.own for part in parts if part.edge == edge}
        facts = {"round": number, "works": [part.work.as_facts() for part in parts], "peers": peers, "ack_s": self._ack_s}
        return Frame(GLOBAL, facts, {**state, **own})
