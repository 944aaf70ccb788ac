"""A device: it has images of its own, and learns a round whenever it is told to."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Iterator

from torch import Tensor

from worker.datasets.data import Data
from worker.dnn.files import Loaded
from worker.federated.dealing import Indices
from worker.federated.flight import Unfit
from worker.federated.learning import Batch, Share, batches_of, sizes
from worker.federated.mischief import mangled
from worker.federated.places import halves
from worker.federated.real import words
from worker.federated.real.line import Line
from worker.federated.real.orders import Orders, Overtaken
from worker.federated.real.setup import Order
from worker.federated.real.words import Strayed, Work
from worker.federated.sides import DeviceSide, filled
from worker.links.faults import LinkFault
from worker.links.frames import Frame

log = logging.getLogger(__name__)


class Device:
    """`own`: the positions of its images in its data set, once it was told. `name`: what edge servers call it."""

    def __init__(self, name: str, patience_s: float, data: Data, loaded: Loaded, own: Indices | None = None) -> None:
        self.name, self.patience_s, self.data, self.own = name, patience_s, data, own
        self.network = loaded.network

    def serve(self, orders: Orders, line: Callable[[Order], Line]) -> None:
        """Round after round, each over a line of its own. What goes wrong in one ends with it."""
        while True:
            order = orders.take()
            try:
                Lesson(self, order, orders, line(order)).learn()
            except Overtaken:
                continue
            except (LinkFault, Strayed, Unfit) as fault:
                log.info("%s gave round %d up: %s", self.name, order.round, fault)
            except Exception:
                log.exception("%s gave round %d up.", self.name, order.round)


class Lesson:
    """One round of a device."""

    def __init__(self, device: Device, order: Order, orders: Orders, line: Line) -> None:
        self._device, self._order, self._orders, self._line = device, order, orders, line
        self._side: DeviceSide | None = None
        self._spent = dict.fromkeys(("compute_s", "edge_s", "queue_s", "moved_s"), 0.0)
        self._batches = 0

    def learn(self) -> None:
        try:
            self._line.call(self._order.home, words.NONE_YET, dealt=self._device.own is not None)
            told = self._line.hear(words.WORK)
            self._work, self._before = Work.from_facts(told.facts["work"]), words.state_in(told)
            if words.OWN in told.tensors:
                self._device.own = told.tensors[words.OWN].copy()
            self._through()
            self._give()
        finally:
            self._line.close()

    def _begun(self) -> DeviceSide:
        """From the round's first weights, with an optimiser that knows nothing."""
        if self._side is not None:
            self._side.close()
        part = halves(self._device.network, self._device.data.in_shape, self._work.cut).device
        filled(part, self._before)
        self._side = DeviceSide(part, self._work.terms, self._work.draw)
        return self._side

    def _drawn(self) -> Iterator[Batch]:
        assert self._device.own is not None
        share = Share(self._work.client, self._device.own)
        return batches_of(self._device.data, share, self._work.pace, self._work.round)

    def _through(self) -> None:
        """All batches; from the first one again where the round begins anew elsewhere."""
        side, drawn, at = self._begun(), self._drawn(), 0
        while (given := next(drawn, None)) is not None:
            self._goes_on(at)
            if not self._work.cut:
                self._alone(side, *given)
            elif not self._served(side, *given, at):
                side, drawn, at = self._begun(), self._drawn(), 0
                continue
            at += 1

    def _goes_on(self, at: int) -> None:
        self._orders.still()
        if self._order.fault == "vanishes" and at == len(sizes(self._work.images, self._work.pace)) // 2:
            os.kill(os.getpid(), signal.SIGKILL)
        self._batches += 1

    def _alone(self, side: DeviceSide, images: Tensor, labels: Tensor) -> None:
        began = time.monotonic()
        side.alone(images, labels)
        self._spent["compute_s"] += time.monotonic() - began

    def _served(self, side: DeviceSide, images: Tensor, labels: Tensor, at: int) -> bool:
        """A batch with the edge server's help; False where the round begins anew elsewhere."""
        began = time.monotonic()
        sent = side.forward(images)
        self._spent["compute_s"] += time.monotonic() - began
        self._line.say(words.activations(self._work, at, sent, labels))
        answer = self._line.hear(words.GRADIENT, words.MOVE_TO)
        if answer.kind == words.MOVE_TO:
            answer = self._moved(answer, at)
            if answer.kind == words.WORK:
                return False
        self._stepped(side, answer, at)
        return True

    def _stepped(self, side: DeviceSide, answer: Frame, at: int) -> None:
        if answer.facts.get("batch") != at:
            raise Strayed(f"The gradient of batch {at} was to come; got that of {answer.facts.get('batch')!r:.40}.")
        for name in ("edge_s", "queue_s"):
            self._spent[name] += words.seconds_in(answer.facts, name, self._device.patience_s)
        began = time.monotonic()
        side.backward(words.tensor_in(answer, words.BACK))
        self._spent["compute_s"] += time.monotonic() - began

    def _moved(self, told: Frame, at: int) -> Frame:
        """Go on at another edge server; back at the old one where the other cannot be reached or knows nothing of us."""
        began, left = time.monotonic(), self._line.edge
        self._line.close()
        if told.facts["on_move"] == "waits":
            self._orders.rest(float(told.facts["away_s"]))
        try:
            answer, connected = self._goes_to(str(told.facts["edge"]), at, anew=told.facts["on_move"] == "restarts")
        except (LinkFault, Strayed, KeyError):
            answer, connected = self._goes_to(left, at, anew=False)
        self._spent["moved_s"] += connected - began
        return answer

    def _goes_to(self, edge: str, at: int, *, anew: bool) -> tuple[Frame, float]:
        """What is said there first, and when the connection stood."""
        self._line.call(edge, words.NONE_YET if anew else at, anew=anew, dealt=True)
        connected = time.monotonic()
        return self._line.hear(words.WORK if anew else words.GRADIENT), connected

    def _give(self) -> None:
        """The weights, in the words of its fault where it has one."""
        assert self._side is not None
        state = self._side.state()
        self._side.close()
        facts = {"images": self._work.images, "batches": self._batches, **self._spent}
        for said, sent in mangled(self._order.fault, self._work.round, state):
            self._line.say(Frame(words.WEIGHTS, {"round": said, **facts}, words.weights(sent)))
        self._line.say(Frame(words.BYE, {"round": self._work.round}))
        self._line.hear(words.BYE)
