"""The coordinator's end of a board: a connection that is made again when it broke, and a way to the edge server that it wants.

Boards know no edge server's token, and no other client: what a board says is carried where it belongs only if it is something
that a device says, and under the board's own name.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from worker.context import HostInput
from worker.federated.real.setup import Order, Setup
from worker.federated.real.words import ACTIVATIONS, BYE, CALL, GONE, HELLO, LEAVE, ORDER, READY, WEIGHTS
from worker.links.faults import LinkFault, Strange
from worker.links.frames import Frame
from worker.links.wire import Address, Wire
from worker.partitioning.slicing.setup import Stop

log = logging.getLogger(__name__)
LOOK_S = 0.5
# Within which a board that listens has answered.
REACH_S = 15.0
SAYS = frozenset({HELLO, ACTIVATIONS, WEIGHTS, BYE})


@dataclass(frozen=True)
class Member:
    """A board that takes part, as edge servers call it, and how it is reached."""

    client: str
    host: HostInput

    @property
    def stop(self) -> Stop:
        return Stop(self.host.addresses, self.host.port, self.host.run, self.host.token, self.host.pin or None)

    @property
    def stands(self) -> str:
        """How it is reached, in a sentence."""
        if self.host.relayed:
            return f"{self.client} is a board, relayed by the portal."
        return (f"{self.client} is a board, reached at {self.host.addresses[0]}, port {self.host.port}, under TLS with the "
                f"certificate {self.host.pin[:16]}...")


@dataclass
class Call:
    """A way to an edge server that a board wants."""

    number: int
    edge: Wire


@dataclass
class Bridge:
    """`about`: what the board computes with, while it is there. `fault`: why it is not."""

    member: Member
    setup: Setup
    about: dict[str, Any] = field(default_factory=dict)
    fault: str = "it was not reached yet"

    def __post_init__(self) -> None:
        self.is_there, self._closed = threading.Event(), threading.Event()
        self._turn = threading.Lock()
        # The connection, and the one over which the newest order was told.
        self._wire: Wire | None = None
        self._told: Wire | None = None
        self._call: Call | None = None
        self._round = 0
        self._routes: Mapping[str, Address] = {}
        threading.Thread(target=self._live, name=f"bridge {self.member.client}", daemon=True).start()

    def order(self, order: Order) -> bool:
        """Whether it could be told."""
        self._routes, self._round, self._told = order.routes, order.round, None
        wire = self._wire
        if wire is None or not self.is_there.is_set():
            return False
        self._told = wire
        try:
            wire.send(Frame(ORDER, {"round": order.round, "home": order.home, "fault": order.fault}))
        except LinkFault as fault:
            log.info("%s could not be told: %s", self.member.client, fault)
            return False
        return True

    def give_up(self) -> None:
        """End the connection over which the round was told, and another one is made; one that was made since stays."""
        if (wire := self._told) is not None and wire is self._wire:
            self.is_there.clear()
            wire.close()

    def close(self) -> None:
        self._closed.set()
        self.is_there.clear()
        if (wire := self._wire) is not None:
            wire.close()
        self._hang_up()

    def _live(self) -> None:
        while not self._closed.is_set():
            try:
                self._serve(self.member.stop.reach(REACH_S, self.setup.most_bytes))
            except (LinkFault, KeyError, TypeError, ValueError) as fault:
                if str(fault) != self.fault:  # Of a board that is away not every half second.
                    log.info("%s: %s", self.member.client, fault)
                self.fault = str(fault)
            except Exception:
                self.fault = "what it said could not be dealt with"
                log.exception("%s: the connection is given up.", self.member.client)
            finally:
                self.is_there.clear()
                self._hang_up()
            self._closed.wait(LOOK_S)

    def _serve(self, wire: Wire) -> None:
        self._wire, wire.patience_s = wire, self.setup.patience_s
        with wire:
            ready = wire.receive(REACH_S)
            if ready.kind != READY:
                raise Strange(f"A board says first what it computes with; got {ready.kind!r}.")
            self.about = ready.facts
            if not self._closed.is_set():
                self.is_there.set()
            while True:
                self._heard(wire, wire.receive(math.inf))

    def _heard(self, wire: Wire, frame: Frame) -> None:
        number = frame.facts.get("call")
        if frame.kind == CALL:
            self._hang_up()
            self._connect(wire, int(frame.facts["call"]), str(frame.facts["edge"]))
        elif frame.kind == LEAVE:
            self._hang_up(number)
        elif frame.kind in SAYS:
            self._carry(wire, frame, number)
        else:
            raise Strange(f"A device does not say {frame.kind!r}.")

    def _connect(self, wire: Wire, number: int, edge: str) -> None:
        try:
            if edge not in self._routes:
                raise Strange(f"It has nothing to do at {edge[:100]!r} in this round.")
            call = Call(number, self.setup.reach(self._routes[edge]))
        except LinkFault as fault:
            wire.send(_gone(number, str(fault)))
            return
        with self._turn:
            self._call = call
        threading.Thread(target=self._back, args=(wire, call), name=f"back to {self.member.client}", daemon=True).start()

    def _carry(self, wire: Wire, frame: Frame, number: object) -> None:
        """To the edge server, under its own name."""
        call = self._call
        if call is None or call.number != number:
            return  # It does not know yet that this call is over.
        facts = {name: value for name, value in frame.facts.items() if name != "call"}
        if frame.kind == HELLO:
            facts |= {"client": self.member.client}
            # It would be waited with until that round comes.
            if not isinstance(number_said := facts.get("round"), int) or number_said > self._round:
                raise Strange(f"It has nothing to do yet in round {number_said!r:.20}.")
        try:
            call.edge.send(replace(frame, facts=facts))
        except LinkFault as fault:
            wire.send(_gone(call.number, str(fault)))
            self._hang_up(number)

    def _back(self, wire: Wire, call: Call) -> None:
        """What the edge server says, until one of the two is no more."""
        try:
            while True:
                frame = call.edge.receive(math.inf)
                wire.send(replace(frame, facts={**frame.facts, "call": call.number}))
        except LinkFault as fault:
            try:
                wire.send(_gone(call.number, str(fault)))
            except LinkFault:
                pass
        finally:
            call.edge.close()

    def _hang_up(self, number: object = None) -> None:
        with self._turn:
            call = self._call
            if call is None or (number is not None and call.number != number):
                return
            self._call = None
        call.edge.close()


def _gone(number: int, why: str) -> Frame:
    return Frame(GONE, {"call": number, "why": why[:500]})
