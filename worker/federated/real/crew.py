"""The processes of a real run and the emulated links between them: started when a round needs them, and again when they died."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from worker.federated.real.children import Child, Nursery
from worker.federated.real.setup import DEVICE, EDGE, Order, Setup
from worker.links.emulation import Emulated, Relay
from worker.links.wire import Address
from worker.partitioning.slicing.faults import GaveUp
from worker.partitioning.slicing.setup import HERE

# Each has its part of the network and of the data in memory.
MOST_PROCESSES = 48

# So long after its connection broke a process may still be seen.
GONE_S = 1.0


@dataclass(frozen=True)
class Link:
    """What lies between two processes, in both directions alike. `latency_ms`: one way."""

    mbps: float
    latency_ms: float

    @property
    def emulated(self) -> Emulated:
        return Emulated(self.latency_ms / 1e3, self.mbps * 1e6 / 8, burst_bytes=0)


class Crew:
    """`setup`: what all are told, but who they are. GaveUp where there are too many, or an edge server cannot be had."""

    def __init__(self, setup: Setup, edges: Sequence[str], devices: Sequence[str]) -> None:
        if (count := len(edges) + len(devices)) > MOST_PROCESSES:
            raise GaveUp(f"Each client and edge server is a process: {count:,}; at most {MOST_PROCESSES} are started.")
        refuse_twice(edges, devices)
        self._setup, self._edges, self._devices = setup, tuple(edges), tuple(devices)
        self.processes: dict[str, Child] = {}
        self._relays: dict[tuple[str, str], tuple[Link, int, Relay]] = {}
        self._endings: dict[str, str] = {}
        self._nursery: Nursery | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pids(self) -> dict[str, int]:
        """By name, of those that were started; edge servers and devices have different names."""
        return {name: process.pid for name, process in self.processes.items()}

    def ready(self) -> list[str]:
        """All run; the sentences are of those that had died, and of devices that cannot be had."""
        fresh = [name for name in (*self._edges, *self._devices) if not self.runs(name)]
        for name in fresh:  # All at once: each loads its part for a while.
            self.forget(name)
            self._start(name)
        said = [f"{name}: {self._endings.pop(name)} It is started again." for name in fresh if name in self._endings]
        for name in fresh:
            if sorry := self.processes[name].await_port():
                said.append(f"{name} could not be started: {sorry}")
                if name in self._edges:
                    raise GaveUp(said[-1])
        return said

    @property
    def has_devices(self) -> bool:
        """Whether anybody is there who could learn; what cannot be started is none of the crew's to wait for."""
        return True

    def runs(self, name: str) -> bool:
        process = self.processes.get(name)
        return process is not None and process.is_running

    def address(self, edge: str) -> Address:
        return HERE, self.processes[edge].port

    def route(self, who: str, edge: str, link: Link | None) -> Address:
        """Where `who` reaches that edge server over such a link; None: nothing is emulated in between."""
        port = self.processes[edge].port
        known = self._relays.get((who, edge))
        if known is not None and known[:2] != (link, port):
            self._relays.pop((who, edge))[2].close()
        if link is None:
            return self.address(edge)
        if (who, edge) not in self._relays:
            self._relays[who, edge] = (link, port, link.emulated.to((HERE, port)))
        address: Address = self._relays[who, edge][2].address
        return address

    def order(self, device: str, order: Order) -> bool:
        """Whether it could be told."""
        try:
            self.processes[device].tell(order.as_line())
        except OSError:
            return False
        return True

    def forget(self, name: str) -> None:
        """End it; it is started again when all are to be ready."""
        if process := self.processes.pop(name, None):
            self._endings[name] = _ending(process) or "It answered no more."
            process.kill()

    def close(self) -> None:
        for _, _, relay in self._relays.values():
            relay.close()
        self._relays.clear()
        for process in self.processes.values():
            process.kill()
        self.processes.clear()
        self._cool()

    def _start(self, name: str) -> None:
        """Once more where the warm process had just gone."""
        setup = replace(self._setup, role=EDGE if name in self._edges else DEVICE, name=name)
        try:
            self.processes[name] = self._forked(setup)
        except OSError as error:
            raise GaveUp(f"{name} could not be started: {error.strerror or error}.") from error

    def _forked(self, setup: Setup) -> Child:
        try:
            return Child(self._warm(), setup)
        except OSError:
            self._cool()
            return Child(self._warm(), setup)

    def _warm(self) -> Nursery:
        if self._nursery is None or not self._nursery.is_running:
            self._cool()
            self._nursery = Nursery(self._setup.threads)
        return self._nursery

    def _cool(self) -> None:
        if self._nursery is not None:
            self._nursery.close()
            self._nursery = None


def refuse_twice(edges: Sequence[str], devices: Sequence[str]) -> None:
    """GaveUp where nobody could tell by a name who is meant."""
    if twice := sorted({*edges} & {*devices}):
        raise GaveUp(f"A client and an edge server are both called {twice[0]}; their processes need names of their own.")


def _ending(process: Child) -> str:
    """How it ended, where it did: a connection is heard to break before its process is heard to be gone."""
    until = time.monotonic() + GONE_S
    while process.is_running and time.monotonic() < until:
        time.sleep(GONE_S / 50)
    return process.ending()
