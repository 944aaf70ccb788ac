"""What a device is told over its control socket: where it belongs in a round. Only the newest order counts."""

from __future__ import annotations

import os
import threading
from typing import BinaryIO, Protocol

from worker.federated.real.setup import Order

LONGEST_LINE = 1 << 16


class Overtaken(Exception):
    """There is a newer order than the one that is being followed."""


class Closed(Protocol):
    def close(self) -> None: ...


class Orders:
    """Who follows an order holds its connection here, so that a newer one ends whatever it waits for."""

    def __init__(self) -> None:
        self._newest: Order | None = None
        self._wire: Closed | None = None
        self._changed = threading.Condition()

    def watch(self, control: BinaryIO) -> None:
        """Read orders; nobody waits for this process any more when there can be none."""
        try:
            while line := control.readline(LONGEST_LINE):
                self.put(Order.from_line(line))
        finally:
            os._exit(0)

    def take(self) -> Order:
        """The newest one, when there is one that was not taken."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None)
            order, self._newest = self._newest, None
            assert order is not None
            return order

    def hold(self, wire: Closed) -> None:
        """Overtaken where it would be for nothing."""
        with self._changed:
            self._wire = wire
        self.still()

    def still(self) -> None:
        """Overtaken where a newer order waits."""
        with self._changed:
            if self._newest is not None:
                raise Overtaken

    def rest(self, seconds: float) -> None:
        """Wait so long; Overtaken where a newer order comes."""
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None, seconds)
        self.still()

    def put(self, order: Order) -> None:
        with self._changed:
            self._newest = order
            if self._wire is not None:
                self._wire.close()
            self._changed.notify_all()
