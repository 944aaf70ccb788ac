"""A device's connection, to one edge server at a time."""

from __future__ import annotations

from typing import Any, Protocol

from worker.federated.real.orders import Orders
from worker.federated.real.setup import Order, Setup
from worker.federated.real.words import HELLO, SORRY, Strayed
from worker.links.frames import Frame
from worker.links.wire import Wire


class Line(Protocol):
    """`edge`: with whom it speaks. All of it raises a LinkFault where that cannot be."""

    edge: str

    def call(self, edge: str, batch: int, **facts: Any) -> None:
        """Connect, and say who calls: `batch` is the one whose gradient is awaited."""

    def say(self, frame: Frame) -> None: ...

    def hear(self, *kinds: str) -> Frame:
        """What comes next, of these kinds. Strayed where it is something else, with what the edge server said of it."""

    def close(self) -> None: ...


class Direct:
    """A connection of its own to each edge server."""

    def __init__(self, setup: Setup, order: Order, orders: Orders) -> None:
        self._setup, self._order, self._orders = setup, order, orders
        self._wire: Wire | None = None
        self.edge = ""

    def call(self, edge: str, batch: int, **facts: Any) -> None:
        self.close()
        self._wire, self.edge = self._setup.reach(self._order.routes[edge]), edge
        self._orders.hold(self._wire)
        self.say(hello(self._setup.name, self._order, batch, **facts))

    def say(self, frame: Frame) -> None:
        assert self._wire is not None
        self._wire.send(frame)

    def hear(self, *kinds: str) -> Frame:
        assert self._wire is not None
        return judged(self._wire.receive(), *kinds)

    def close(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None


def hello(client: str, order: Order, batch: int, **facts: Any) -> Frame:
    return Frame(HELLO, {"client": client, "round": order.round, "batch": batch, **facts})


def judged(frame: Frame, *kinds: str) -> Frame:
    """The frame, where it is of these kinds."""
    if frame.kind not in kinds:
        why = str(frame.facts.get("why")) if frame.kind == SORRY else f"{kinds[0]!r} was to come; got {frame.kind!r}."
        raise Strayed(why)
    return frame
