"""What an edge server has of one client in one round: its half of the network, its optimiser, and what was answered last."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from worker.federated.flight import Ticket, carried, landed
from worker.federated.real.words import LABELS, SENT, Going, Strayed, Work, digest, gradient, tensor_in, whole_in
from worker.federated.sides import EdgeSide, filled
from worker.federated.states import State
from worker.links.frames import Frame


@dataclass(frozen=True)
class Half:
    """The layers behind a cut, a client's own copy. `shape`: of what comes in for an image; `classes`: of the answers."""

    network: nn.Module
    shape: tuple[int, ...]
    classes: int


class Desk:
    """Judges all that comes. Its arithmetic is for one thread at a time: layers draw by lot from a generator that all share."""

    def __init__(self, work: Work, half: Half | None, side: EdgeSide | None, back: Tensor | None = None, hash_: str = "") -> None:
        self.work, self._half, self._side, self._back, self.hash = work, half, side, back, hash_
        self.answer = gradient(work, self.batch - 1, back) if back is not None else None

    @classmethod
    def begun(cls, work: Work, half: Half | None, before: State) -> Desk:
        """At the round's first batch; without a half where the device trains everything."""
        if half is None:
            return cls(work, None, None)
        filled(half.network, before)
        return cls(work, half, EdgeSide(half.network, work.terms, work.draw))

    @classmethod
    def taken_over(cls, work: Work, half: Half, frame: Frame) -> Desk:
        """Where another edge server left off. Unfit or Strayed where that cannot be gone on with."""
        batch = whole_in(frame.facts.get("ticket") or {}, "batch")
        if frame.facts.get("terms") != asdict(work.terms) or frame.facts.get("batches") != batch + 1:
            raise Strayed("The state that came was learnt on other terms, or says another batch than it has.")
        side, back = landed(frame, half.network, Ticket(work.client, work.round, work.cut, batch, work.images, work.draw))
        if back.shape[1:] != half.shape or back.dtype != torch.float32:
            raise Strayed(f"The gradient that came is of {tuple(back.shape)}; {half.shape} an image is expected.")
        return cls(work, half, side, back, digest(frame))

    @property
    def batch(self) -> int:
        """The one that is to come, from 0."""
        return self._side.batch if self._side else 0

    def serve(self, frame: Frame, queued_s: float) -> Frame:
        """A batch: forwards, backwards, a step; what goes back. The same one again is answered as before, without a step."""
        side = self._side
        if side is None or frame.facts.get("round") != self.work.round:
            raise Strayed(f"No batch of round {frame.facts.get('round')!r:.40} is expected here.")
        batch = whole_in(frame.facts, "batch")
        if batch == self.batch - 1 and self.answer is not None:
            return self.answer
        if batch != self.batch:
            raise Strayed(f"Batch {self.batch} is to come; got {batch}.")
        began = time.monotonic()
        self._back = side.serve(*self._judged(frame))
        self.answer = gradient(self.work, batch, self._back, edge_s=time.monotonic() - began, queue_s=queued_s)
        return self.answer

    def going(self, here: str) -> Going | None:
        """Where the client is to go behind the batch just served."""
        found = [each for each in self.work.goings if each.after == self.batch - 1]
        return found[-1] if found and (found[-1].on_move == "waits" or found[-1].edge != here) else None

    def packed(self) -> Frame:
        """All that another edge server needs to go on."""
        assert self._side is not None and self._back is not None
        work = self.work
        return carried(self._side, Ticket(work.client, work.round, work.cut, self.batch - 1, work.images, work.draw), self._back)

    def state(self) -> State:
        return self._side.state() if self._side else {}

    def close(self) -> None:
        if self._side is not None:
            self._side.close()

    def _judged(self, frame: Frame) -> tuple[Tensor, Tensor]:
        assert self._half is not None
        sent, labels = tensor_in(frame, SENT), torch.from_numpy(frame.tensors[LABELS]) if LABELS in frame.tensors else None
        most = self.work.pace.batch + 1
        if sent.dtype != torch.float32 or sent.shape[1:] != self._half.shape or not 0 < len(sent) <= most:
            raise Strayed(f"A batch is up to {most} x {self._half.shape}, float32; got {tuple(sent.shape)!s:.80}, {sent.dtype}.")
        if labels is None or labels.dtype != torch.int64 or labels.shape != sent.shape[:1]:
            raise Strayed("A batch has a label for each image, as int64.")
        if not 0 <= int(labels.min()) <= int(labels.max()) < self._half.classes:
            raise Strayed(f"Labels are from 0 to {self._half.classes - 1}; got {int(labels.min())} to {int(labels.max())}.")
        return sent, labels.clone()
