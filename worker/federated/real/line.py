"""A device's connection, to one edge server at a time."""

from __future__ import annotations

from typing import Any

from worker.federated.real.orders import Orders
from worker.federated.real.setup import Order, Setup
from worker.federated.real.words import HELLO, SORRY, Strayed
from worker.links.frames import Frame
from worker.links.wire import Wire


class Line:
    """`edge`: with whom it speaks."""

    def __init__(self, setup: Setup, order: Order, orders: Orders) -> None:
        self._setup, self._order, self._orders = setup, order, orders
        self._wire: Wire | None = None
        self.edge = ""

    def call(self, edge: str, batch: int, **facts: Any) -> None:
        """Connect, and say who calls: `batch` is the one whose gradient is awaited. A LinkFault where nobody answers."""
        self.close()
        self._wire, self.edge = self._setup.reach(self._order.routes[edge]), edge
        self._orders.hold(self._wire)
        self.say(Frame(HELLO, {"client": self._setup.name, "round": self._order.round, "batch": batch, **facts}))

    def say(self, frame: Frame) -> None:
        assert self._wire is not None
        self._wire.send(frame)

    def hear(self, *kinds: str) -> Frame:
        """What comes next, of these kinds. Strayed where it is something else, with what the edge server said of it."""
        assert self._wire is not None
        frame = self._wire.receive()
        if frame.kind not in kinds:
            why = str(frame.facts.get("why")) if frame.kind == SORRY else f"{kinds[0]!r} was to come; got {frame.kind!r}."
            raise Strayed(why)
        return frame

    def close(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None
