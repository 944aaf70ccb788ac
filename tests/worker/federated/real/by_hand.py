"""Edge servers in this process, a coordinator and devices that the tests play by hand, or real devices in threads."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from tests.worker.federated.real.three import DIGITS, IMAGES, PACE, TERMS
from worker import datasets
from worker.dnn import architectures, files
from worker.federated.course import settled
from worker.federated.learning import Learner, Share
from worker.federated.places import places
from worker.federated.real.device import Device, Lesson
from worker.federated.real.edge import HERE, Edge
from worker.federated.real.line import Direct
from worker.federated.real.orders import Orders
from worker.federated.real.setup import DEVICE, EDGE, Order, Setup
from worker.federated.real.words import COORDINATE, GLOBAL, OWN, Going, Work, weights
from worker.federated.states import State, state_of
from worker.links.faults import LinkFault
from worker.links.frames import Frame
from worker.links.wire import Address, Wire

PATIENCE_S = 60.0
MOST_BYTES = 1 << 24


@dataclass
class Stage:
    """`folder`: for the file of the network."""

    folder: Path
    edges: dict[str, Edge] = field(default_factory=dict)
    heard: queue.Queue[tuple[str, Frame]] = field(default_factory=queue.Queue)

    def __post_init__(self) -> None:
        self.data = datasets.load(DIGITS)
        self.network = settled(architectures.build("vgg5", self.data.classes, self.data.in_shape, seed=3))
        self.before: State = state_of(self.network)
        self.place = places(self.network, self.data.in_shape)[1]
        self.own = np.arange(IMAGES)
        files.save(self.network, self.folder / "net", in_shape=self.data.in_shape, classes=self.data.classes, name="net")
        self._centrals: dict[str, Wire] = {}

    def setup(self, name: str, patience_s: float = PATIENCE_S) -> Setup:
        return Setup(DEVICE if name == "pi" else EDGE, name, str(self.folder / "net"), "token", "run", MOST_BYTES, patience_s,
                     data=DIGITS.name)

    def begin(self, name: str) -> Edge:
        """An edge server, and our connection to it."""
        edge = self.edges[name] = Edge(self.setup(name), files.load(self.folder / "net"))
        threading.Thread(target=edge.serve, daemon=True).start()
        wire = self._centrals[name] = self.setup("coordinator").reach(self.address(name))
        wire.send(Frame(COORDINATE))
        threading.Thread(target=self._listen, args=(name, wire), daemon=True).start()
        return edge

    def address(self, name: str) -> Address:
        return HERE, self.edges[name].listener.port

    def work(self, number: int = 1, goings: Sequence[Going] = ()) -> Work:
        return Work("pi", number, self.place.after, IMAGES, TERMS, PACE, tuple(goings))

    def round(self, work: Work, peers: Mapping[str, Address] | None = None, ack_s: float = PATIENCE_S) -> None:
        """Tell all edge servers of it."""
        facts = {"round": work.round, "works": [work.as_facts()], "peers": dict(peers or {}), "ack_s": ack_s}
        for wire in self._centrals.values():
            wire.send(Frame(GLOBAL, facts, {**weights(self.before), OWN + "pi": self.own}))

    def device(self, routes: Mapping[str, Address], home: str = "a", number: int = 1) -> threading.Thread:
        """A real one in a thread, at work on a round."""
        device = Device("pi", PATIENCE_S, self.data, files.load(self.folder / "net"))
        order, orders = Order(number, home, dict(routes)), Orders()
        lesson = Lesson(device, order, orders, Direct(self.setup("pi"), order, orders))
        thread = threading.Thread(target=lesson.learn, daemon=True)
        thread.start()
        return thread

    def next(self, *kinds: str) -> tuple[str, Frame]:
        """What an edge server tells next of these kinds, and which one."""
        while True:
            edge, frame = self.heard.get(timeout=PATIENCE_S)
            if frame.kind in kinds:
                return edge, frame

    @cached_property
    def unmoved(self) -> State:
        """The weights of the client's round, learnt in one place."""
        network = settled(architectures.build("vgg5", self.data.classes, self.data.in_shape, seed=3))
        course = Learner(network, self.data, PACE).learn(Share("pi", self.own), 1, self.place, TERMS, self.before)
        while True:
            try:
                next(course)
            except StopIteration as end:
                state: State = end.value.state
                return state

    def call(self, edge: str, **facts: Any) -> Wire:
        """A device by hand: connected, and greeted."""
        wire = self.setup("pi").reach(self.address(edge))
        wire.send(Frame("hello", {"client": "pi", "round": 1, "batch": -1, "dealt": True, **facts}))
        return wire

    def close(self) -> None:
        for wire in self._centrals.values():
            wire.close()
        for edge in self.edges.values():
            edge.listener.close()

    def _listen(self, name: str, wire: Wire) -> None:
        try:
            while True:
                self.heard.put((name, wire.receive(3600.0)))
        except LinkFault:
            return


@contextmanager
def stage(folder: Path, *names: str) -> Iterator[Stage]:
    found = Stage(folder)
    try:
        for name in names:
            found.begin(name)
        yield found
    finally:
        found.close()

