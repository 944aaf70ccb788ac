"""A device at an edge server: from its greeting until it leaves."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from worker.federated.flight import Unfit
from worker.federated.real import moving, words
from worker.federated.real.desk import Desk
from worker.federated.real.words import Strayed
from worker.links.faults import LinkFault
from worker.links.frames import Frame
from worker.links.wire import Wire

if TYPE_CHECKING:
    from worker.federated.real.edge import Edge

log = logging.getLogger(__name__)
CANNOT = "The edge server cannot work with what it was sent."
PASSED_ON = ("round", "images", "batches", "compute_s", "edge_s", "queue_s", "moved_s")


def received(edge: Edge, wire: Wire, hello: Frame) -> None:
    """What errs is told why, and harms nobody else."""
    try:
        Visit(edge, wire, hello).serve()
    except (Strayed, Unfit) as fault:
        log.info("%s: %s", edge.setup.name, fault)
        wire.send(words.sorry(str(fault)))
    except LinkFault:
        raise
    except Exception:
        log.exception("%s could not serve a device.", edge.setup.name)
        wire.send(words.sorry(CANNOT))


class Visit:
    """One connection of a client in one round."""

    def __init__(self, edge: Edge, wire: Wire, hello: Frame) -> None:
        self._edge, self._wire, self._hello = edge, wire, hello
        self._is_over = False

    def serve(self) -> None:
        facts = self._hello.facts
        client, number = facts.get("client"), words.whole_in(facts, "round")
        self._edge.stays(str(client), number, self._wire)
        self._edge.pass_on(Frame(words.HERE, {"client": str(client), "round": number}))
        self._round, self._work = self._edge.work_of(client, number, self._edge.setup.patience_s)
        try:
            self._begin()
            while not self._is_over:
                self._answer(self._wire.receive())
        finally:
            if not self._is_over:
                self._edge.leaves(self._work, self._wire, self._link_bytes)

    @property
    def _link_bytes(self) -> int:
        return self._wire.bytes_sent + self._wire.bytes_received

    def _begin(self) -> None:
        """The round's work for who begins; the gradient that is awaited for who comes from elsewhere."""
        batch = words.whole_in(self._hello.facts, "batch")
        if batch == words.NONE_YET:
            self._wire.send(self._begun())
            return
        with self._edge.turn:
            desk = self._edge.desk(self._work)
            if desk.answer is None or desk.batch - 1 != batch:
                raise Strayed(f"The gradient of batch {batch} is not here.")
            answer = desk.answer
        self._wire.send(answer)

    def _begun(self) -> Frame:
        """A new desk. Who begins anew in the middle of a round has its weights already."""
        with self._edge.turn:
            self._edge.put(Desk.begun(self._work, self._edge.half(self._work), self._round.before))
        facts = {"work": self._work.as_facts()}
        if self._hello.facts.get("anew") is True:
            return Frame(words.WORK, facts)
        before = self._round.before
        tensors = words.weights({name: before[name] for name in self._edge.device_names(self._work)})
        if self._hello.facts.get("dealt") is not True:
            tensors[words.OWN] = self._round.own[self._work.client]
        return Frame(words.WORK, facts, tensors)

    def _answer(self, frame: Frame) -> None:
        if frame.kind == words.ACTIVATIONS:
            self._batch(frame)
        elif frame.kind == words.WEIGHTS:
            self._pass_on(frame)
        elif frame.kind == words.BYE:
            self._is_over = True
            self._edge.tell(words.ENDED, self._work, link_bytes=self._link_bytes)
            self._wire.send(Frame(words.BYE))
        else:
            raise Strayed(f"An edge server does not know what to do with a frame {frame.kind!r}.")

    def _batch(self, frame: Frame) -> None:
        came = time.monotonic()
        with self._edge.turn:
            desk = self._edge.desk(self._work)
            answer = desk.serve(frame, time.monotonic() - came)
            going = desk.going(self._edge.setup.name)
        if going is not None:
            answer = moving.answered(self._edge, self._round, desk, going) or answer
        self._wire.send(answer)

    def _pass_on(self, frame: Frame) -> None:
        """A client's whole network, as the coordinator judges it; ours are the layers that are here, whatever it sends."""
        with self._edge.turn:
            self._edge.counts(self._work.client)
            state = words.state_in(frame) | self._edge.desk(self._work).state()
        facts = {"client": self._work.client, "of": self._work.round, **{name: frame.facts.get(name) for name in PASSED_ON}}
        self._edge.pass_on(Frame(words.UPDATE, facts, words.weights(state)))
