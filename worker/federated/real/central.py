"""The coordinator's end: a connection to each edge server, and what all of them say, in the order in which it came."""

from __future__ import annotations

import math
import queue
import threading
import time
from dataclasses import dataclass

from worker.federated.real.setup import Setup
from worker.federated.real.words import COORDINATE
from worker.links.faults import LinkFault
from worker.links.frames import Frame
from worker.links.wire import Address, Wire


@dataclass(frozen=True)
class Heard:
    """What an edge server said, and when; `frame` is None where its connection is no more."""

    edge: str
    at_s: float
    frame: Frame | None
    wire: Wire


class Central:
    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._wires: dict[str, Wire] = {}
        self._heard: queue.Queue[Heard] = queue.Queue()

    def connect(self, edge: str, address: Address) -> None:
        """Unless it stands already; a LinkFault where nobody answers."""
        if edge in self._wires:
            return
        wire = self._wires[edge] = self._setup.reach(address)
        wire.send(Frame(COORDINATE))
        threading.Thread(target=self._listen, args=(edge, wire), name=f"hears {edge}", daemon=True).start()

    def say(self, edge: str, frame: Frame) -> bool:
        """Whether it could be said."""
        try:
            self._wires[edge].send(frame)
        except (LinkFault, KeyError):
            return False
        return True

    def next(self, within_s: float) -> Heard | None:
        """None where nothing is said for so long, or by a connection that is no more used."""
        try:
            heard = self._heard.get(timeout=max(within_s, 0.001))
        except queue.Empty:
            return None
        return heard if self._wires.get(heard.edge) is heard.wire else None

    def forget(self, edge: str) -> None:
        if (wire := self._wires.pop(edge, None)) is not None:
            wire.close()

    def close(self) -> None:
        for edge in list(self._wires):
            self.forget(edge)

    def _listen(self, edge: str, wire: Wire) -> None:
        while True:
            try:
                frame = wire.receive(math.inf)
            except LinkFault:
                self._heard.put(Heard(edge, time.monotonic(), None, wire))
                return
            self._heard.put(Heard(edge, time.monotonic(), frame, wire))
