"""An edge server: a desk for each client whose rest of the network it trains, and what it tells the coordinator."""

from __future__ import annotations

import copy
import logging
import math
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from worker.dnn.files import Loaded
from worker.dnn.slices import split
from worker.federated.flight import MIGRATE
from worker.federated.places import halves
from worker.federated.real import moving, visit
from worker.federated.real.desk import Desk, Half
from worker.federated.real.setup import Setup
from worker.federated.real.words import COORDINATE, GLOBAL, GONE, HELLO, OWN, Strayed, Work, state_in
from worker.federated.states import State
from worker.links import clocks
from worker.links.faults import LinkFault, Torn
from worker.links.frames import Frame
from worker.links.wire import Address, Listener, Wire

log = logging.getLogger(__name__)
HERE = "127.0.0.1"
# Of a client in a round: who lost its connection says them again, who would flood the coordinator is stopped.
MOST_UPDATES = 4


@dataclass(frozen=True)
class Round:
    """What the coordinator said of it. `own`: the positions of the images of clients that begin here."""

    number: int
    before: State
    works: Mapping[str, Work]
    peers: Mapping[str, Address]
    own: Mapping[str, NDArray[Any]]
    ack_s: float

    @classmethod
    def of(cls, frame: Frame) -> Round:
        facts = frame.facts
        own = {name.removeprefix(OWN): found for name, found in frame.tensors.items() if name.startswith(OWN)}
        works = [Work.from_facts(each) for each in facts["works"]]
        return cls(int(facts["round"]), state_in(frame), {work.client: work for work in works},
                   {name: (str(host), int(port)) for name, (host, port) in facts["peers"].items()}, own, float(facts["ack_s"]))


class Edge:
    """`turn` is held for all arithmetic and for the desks: a batch at a time, for the generator from which layers draw by lot is
    one for the whole process."""

    def __init__(self, setup: Setup, loaded: Loaded) -> None:
        self.setup = setup
        self._network, self._in_shape, self._classes = loaded.network, loaded.in_shape, loaded.classes
        self.listener = Listener(HERE, 0, token=setup.token, run=setup.run, most_bytes=setup.most_bytes,
                                 patience_s=setup.patience_s)
        self.turn, self._changed = threading.Lock(), threading.Condition()
        self._desks: dict[str, Desk] = {}
        self._halves: dict[tuple[str, str], Half] = {}
        self._visits: dict[str, tuple[int, Wire]] = {}
        self._updates = Counter[str]()
        self._round: Round | None = None
        self._central: Wire | None = None

    def serve(self) -> None:
        """Whoever calls, in a thread of its own."""
        while True:
            try:
                wire = self.listener.accept()
            except Torn:
                return
            except LinkFault:
                continue
            threading.Thread(target=self._received, args=(wire,), name="visit", daemon=True).start()

    def tell(self, kind: str, work: Work, **facts: Any) -> None:
        """The coordinator; it knows by itself when it cannot be told."""
        self.pass_on(Frame(kind, {"client": work.client, "round": work.round, **facts}))

    def pass_on(self, frame: Frame) -> None:
        if self._central is not None:
            try:
                self._central.send(frame)
            except LinkFault as fault:
                log.info("%s could not be told: %s", frame.kind, fault)

    def work_of(self, client: object, number: int, within_s: float) -> tuple[Round, Work]:
        """What a client has to do in a round, as soon as the coordinator has said it. Strayed where it does not."""
        with self._changed:
            self._changed.wait_for(lambda: self._round is not None and number <= self._round.number, within_s)
            now = self._round
        if now is None or number != now.number or client not in now.works:
            raise Strayed(f"{client!r:.100} has nothing to do here in round {number}.")
        return now, now.works[str(client)]

    def stays(self, client: str, number: int, wire: Wire) -> None:
        """A client has one connection here, its newest."""
        with self._changed:
            _, before = self._visits.get(client, (0, None))
            self._visits[client] = (number, wire)
        if before is not None and before is not wire:
            before.close()

    def leaves(self, work: Work, wire: Wire, link_bytes: int) -> None:
        """Told in one piece: a client whose newer connection was told of before is not gone."""
        with self._changed:
            _, newest = self._visits.get(work.client, (0, None))
            self.tell(GONE, work, link_bytes=link_bytes, newest=newest is wire)

    def desk(self, work: Work) -> Desk:
        """The one that there is. Call it, and use it, in your `turn`. Strayed where there is none, or another round's."""
        found = self._desks.get(work.client)
        if found is None or found.work.round != work.round:
            raise Strayed(f"Nothing is known here of {work.client} in round {work.round}.")
        return found

    def known(self, client: str) -> Desk | None:
        return self._desks.get(client)

    def counts(self, client: str) -> None:
        """An update of a client that is passed on; Strayed where it has sent enough of them in this round."""
        self._updates[client] += 1
        if self._updates[client] > MOST_UPDATES:
            raise Strayed(f"{client} has sent its weights {MOST_UPDATES} times in this round, and no more are taken.")

    def put(self, desk: Desk) -> None:
        """In your `turn`."""
        self.drop(desk.work.client)
        self._desks[desk.work.client] = desk

    def drop(self, client: str) -> None:
        if (before := self._desks.pop(client, None)) is not None:
            before.close()

    def half(self, work: Work) -> Half | None:
        """The client's own copy of the layers behind its cut; None where there are none."""
        if not work.cut:
            return None
        if (key := (work.client, work.cut)) not in self._halves:
            network = copy.deepcopy(self._network)
            tail = split(network, self._in_shape, work.cut).tail
            part = halves(network, self._in_shape, work.cut).edge
            assert part is not None
            self._halves[key] = Half(part, tuple(tail.in_shape), self._classes)
        return self._halves[key]

    def device_names(self, work: Work) -> list[str]:
        """Of the tensors in front of the cut."""
        return list(halves(self._network, self._in_shape, work.cut).device.state_dict())

    def _received(self, wire: Wire) -> None:
        """By the first thing that is said."""
        try:
            first = wire.receive()
            if first.kind == COORDINATE:
                self._coordinated(wire)
            elif first.kind == HELLO:
                visit.received(self, wire, first)
            elif first.kind == MIGRATE:
                moving.taken_in(self, wire, first)
        except LinkFault as fault:
            log.debug("A connection to %s ended: %s", self.setup.name, fault)
        except Exception:
            log.exception("A connection to %s was given up.", self.setup.name)
        finally:
            wire.close()

    def _coordinated(self, wire: Wire) -> None:
        self._central = wire
        while True:
            frame = wire.receive(math.inf)
            if frame.kind == clocks.PING:
                clocks.answer(wire, frame)
            elif frame.kind == GLOBAL:
                self._begin(Round.of(frame))

    def _begin(self, fresh: Round) -> None:
        """Nothing of an older round is gone on with."""
        with self.turn:
            for client in list(self._desks):
                self.drop(client)
            self._updates.clear()
            wanted = {(work.client, work.cut) for work in fresh.works.values()}
            self._halves = {key: half for key, half in self._halves.items() if key in wanted}
        with self._changed:
            self._round = fresh
            old = [wire for number, wire in self._visits.values() if number < fresh.number]
            self._changed.notify_all()
        for wire in old:
            wire.close()
