"""A board's end of the connection that its coordinator makes: calls to edge servers go over it one after the other.

A board never connects to an edge server: it says which one it wants, and the coordinator carries its frames there and back. A
call has a number, so that what is late of an older one is known; a move is another call.
"""

from __future__ import annotations

import logging
import math
import queue
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from worker.federated.real.line import hello, judged
from worker.federated.real.orders import Orders
from worker.federated.real.setup import Order
from worker.federated.real.words import CALL, GONE, LEAVE, ORDER, READY
from worker.links.faults import LinkFault, Silent, Torn
from worker.links.frames import Frame
from worker.links.wire import Listener, Wire

log = logging.getLogger(__name__)
NOBODY = "The coordinator is not connected."


class Lead:
    """Its newest connection counts. `about`: what this board computes with, said first."""

    def __init__(self, listener: Listener, orders: Orders, about: Mapping[str, Any]) -> None:
        self._listener, self._orders, self._about = listener, orders, dict(about)
        self._turn = threading.Lock()
        self._wire: Wire | None = None
        self._number = 0
        self._came: queue.Queue[Frame | None] = queue.Queue()

    @property
    def port(self) -> int:
        return self._listener.port

    def serve(self) -> None:
        while True:
            try:
                wire = self._listener.accept()
            except Torn:
                return
            except LinkFault:
                continue  # One bad caller harms no good one.
            threading.Thread(target=self._received, args=(wire,), name="coordinator", daemon=True).start()

    def begin(self) -> int:
        """A call of its own; nothing is heard of those before it any more."""
        with self._turn:
            self._number += 1
            self._came = queue.Queue()
            return self._number

    def say(self, frame: Frame, number: int) -> None:
        with self._turn:
            wire = self._wire if number == self._number else None
        if wire is None:
            raise Torn(NOBODY)
        wire.send(replace(frame, facts={**frame.facts, "call": number}))

    def hear(self, within_s: float) -> Frame:
        """What comes next of the call that goes on; a LinkFault where nothing does."""
        came = self._came
        try:
            frame = came.get(timeout=within_s)
        except queue.Empty:
            raise Silent(f"Nothing came from the edge server within {within_s:g} s.") from None
        if frame is None or frame.kind == GONE:
            raise Torn(str(frame.facts.get("why"))[:500] if frame else NOBODY)
        return frame

    def leave(self, number: int) -> None:
        """From any thread: whoever waits for an answer of that call waits no more."""
        self._end(number)
        try:
            self.say(Frame(LEAVE), number)
        except LinkFault as fault:
            log.debug("Nobody was told of leaving: %s", fault)

    def _received(self, wire: Wire) -> None:
        try:
            self._take(wire)
            wire.send(Frame(READY, self._about))
            while True:
                self._heard(wire.receive(math.inf))
        except (LinkFault, KeyError, TypeError, ValueError) as fault:
            log.info("The coordinator's connection ended: %s", fault)
        finally:
            wire.close()
            self._lose(wire)

    def _take(self, wire: Wire) -> None:
        with self._turn:
            before, self._wire = self._wire, wire
            self._came.put(None)
        if before is not None:
            before.close()

    def _lose(self, wire: Wire) -> None:
        with self._turn:
            if self._wire is wire:
                self._wire = None
                self._came.put(None)

    def _heard(self, frame: Frame) -> None:
        facts = frame.facts
        if frame.kind == ORDER:
            return self._orders.put(Order(int(facts["round"]), str(facts["home"]), {}, str(facts["fault"])))
        with self._turn:
            if facts.get("call") == self._number:
                self._came.put(frame)

    def _end(self, number: int) -> None:
        with self._turn:
            if number == self._number:
                self._came.put(None)


class ByLead:
    """A line to one edge server at a time, by way of the coordinator."""

    def __init__(self, lead: Lead, client: str, patience_s: float, order: Order, orders: Orders) -> None:
        self._lead, self._client, self._patience_s = lead, client, patience_s
        self._order, self._orders = order, orders
        self._number = 0
        self.edge = ""

    def call(self, edge: str, batch: int, **facts: Any) -> None:
        self.close()
        self._number, self.edge = self._lead.begin(), edge
        self._orders.hold(self)
        self._lead.say(Frame(CALL, {"edge": edge}), self._number)
        self.say(hello(self._client, self._order, batch, **facts))

    def say(self, frame: Frame) -> None:
        self._lead.say(frame, self._number)

    def hear(self, *kinds: str) -> Frame:
        return judged(self._lead.hear(self._patience_s), *kinds)

    def close(self) -> None:
        if self._number:
            self._lead.leave(self._number)
