"""What a slice host answers: who it is, its part of one image, and how long its slice takes alone.

Frames come from the part before, or from who drives the chain; what goes on goes to the part behind, whose answer goes back the
same way. So only a part that others send to has to be reachable. A part that breaks off is told of by the one before it.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from worker.links import clocks
from worker.links.faults import LinkFault, Torn
from worker.links.frames import Frame
from worker.links.wire import Wire
from worker.partitioning.slicing.engines import Ready
from worker.partitioning.slicing.faults import detailed, told
from worker.partitioning.slicing.setup import Setup, Stop

OPEN, OPENED, RUN, RAN, ALONE, BROKE = "open", "opened", "run", "ran", "alone", "broke"
INPUT, OUTPUT = "x", "y"
CANNOT = "It cannot run its slice on what it was given."
# Passes of a part alone; each after so long a pause.
MOST_REPEATS, PAUSE_S = 10_000, 0.005
# Each part waits a little longer than the one behind it, so that the fault is told by who is nearest to it.
PATIENCE_STEP_S = 2.0


def broke(part: int, why: str, *, for_good: bool = False, detail: str = "") -> Frame:
    return Frame(BROKE, {"part": part, "why": why[:500], "for_good": for_good, "detail": detail})


def longer(patience_s: float, behind: int) -> float:
    """What a part waits for the next, of whom so many parts make an image of its answer."""
    return patience_s + behind * min(PATIENCE_STEP_S, patience_s)


def machine() -> str:
    """The same for two processes that read the same clock."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return socket.gethostname()


class Visit:
    """One connection from the part before, as long as it lasts."""

    def __init__(self, setup: Setup, slice_: Ready, wire: Wire, heard: Callable[[], None]) -> None:
        self._setup, self._slice, self._wire, self._heard = setup, slice_, wire, heard
        self._next: Wire | None = None
        self._is_over = False
        self.is_busy = False
        self._given: NDArray[Any] | None = None

    @property
    def bytes_received(self) -> int:
        """So far, those of a message that is still coming too."""
        return self._wire.bytes_received

    def serve(self) -> None:
        """Until the part before is gone."""
        answers = {OPEN: self._open, RUN: self._run, ALONE: self._alone}
        try:
            while True:
                frame = self._wire.receive()
                received, self.is_busy = clocks.now_ns(), True
                self._answer(frame, answers.get(frame.kind), received)
                self._heard()
                self.is_busy = False
        except LinkFault:
            pass  # Whoever was there connects again, or has what it wanted.
        finally:
            self.is_busy = False
            self.close()

    def _answer(self, frame: Frame, answer: Callable[[Frame, int], Frame] | None, received: int) -> None:
        if frame.kind == clocks.PING:
            clocks.answer(self._wire, frame)
        elif answer:
            self._wire.send(self._said(answer, frame, received))
        else:
            why = f"A part does not know what to do with a frame {frame.kind!r}."
            self._wire.send(broke(self._setup.part, why, for_good=True))

    def close(self) -> None:
        """From any thread: another visit takes its place."""
        self._is_over = True
        self._wire.close()
        self._leave()

    def _leave(self) -> None:
        if self._next is not None:
            self._next.close()
            self._next = None

    def _said(self, answer: Callable[[Frame, int], Frame], frame: Frame, received: int) -> Frame:
        try:
            found = answer(frame, received)
        except LinkFault as fault:
            found = broke(self._setup.part + 1, str(fault))
        except Exception as error:
            found = broke(self._setup.part, told(error, CANNOT), for_good=True, detail=detailed(error))
        if found.kind == BROKE:
            self._leave()
        return found

    def _open(self, frame: Frame, _received: int) -> Frame:
        """Connect to the part behind, and it to the one behind it: `route` has them in order."""
        self._leave()
        about = {"part": self._setup.part, "pid": os.getpid(), "runtime": self._slice.runtime, "threads": self._setup.threads,
                 "machine": machine()}
        route, patience_s = frame.facts["route"], float(frame.facts["patience_s"])
        if not route:
            return Frame(OPENED, {"parts": [about], "clocks": []})
        self._next = Stop.from_facts(route[0]).by(self._setup.onward).reach(
            longer(patience_s, len(route)), self._setup.most_bytes)
        if self._is_over:
            self._leave()
            raise Torn("This visit is over.")
        said = self._asked(Frame(OPEN, {"route": route[1:], "patience_s": patience_s}))
        if said.kind == BROKE:
            return said
        parts = said.facts["parts"]
        return Frame(OPENED, {"parts": [about, *parts], "clocks": [self._clock(about, parts[0]), *said.facts["clocks"]]})

    def _clock(self, mine: dict[str, Any], theirs: dict[str, Any]) -> dict[str, int]:
        """How far the clock of the part behind is before ours."""
        if mine["machine"] == theirs["machine"]:
            return {"ahead_ns": 0, "within_ns": 0}
        assert self._next is not None
        found = clocks.offset(self._next)
        return {"ahead_ns": found.ahead_ns, "within_ns": found.within_ns}

    def _run(self, frame: Frame, received: int) -> Frame:
        """Our part of one image; the answer has the stamps of all parts from here on, by each one's own clock."""
        given = frame.tensors[INPUT]
        self._given = given
        began = clocks.now_ns()
        made = self._slice.compute(given)
        stamps = {"received_ns": received, "began_ns": began, "ended_ns": clocks.now_ns()}
        if self._next is None:
            return Frame(RAN, {"image": frame.facts["image"], "stamps": [stamps]}, {OUTPUT: made})
        before = self._next.bytes_sent
        self._next.send(Frame(RUN, {"image": frame.facts["image"]}, {INPUT: made}))
        stamps |= {"sent_ns": clocks.now_ns(), "sent_bytes": self._next.bytes_sent - before, "tensor_bytes": made.nbytes}
        said = self._next.receive()
        if said.kind == BROKE:
            return said
        return Frame(RAN, {**said.facts, "stamps": [stamps, *said.facts["stamps"]]}, said.tensors)

    def _alone(self, frame: Frame, _received: int) -> Frame:
        """The slice of one part, again and again on the last image, while all others wait."""
        if frame.facts["part"] != self._setup.part:
            return self._asked(frame)
        if self._given is None:
            return broke(self._setup.part, "A part can be timed alone when it has had an image.", for_good=True)
        count, seconds = min(int(frame.facts["repeats"]), MOST_REPEATS), float(frame.facts["seconds"])
        return Frame(ALONE, {"samples_ns": self._timed(count, seconds)})

    def _timed(self, count: int, seconds: float) -> list[int]:
        """Each pass after a pause, as a part waits between two images: caches and clocks have gone to sleep then."""
        samples, clock = list[int](), clocks.now_ns
        until = clock() + round(1e9 * seconds)
        while len(samples) < count and (not samples or clock() < until):
            time.sleep(PAUSE_S)
            began = clock()
            self._slice.compute(self._given)  # type: ignore[arg-type]
            samples.append(clock() - began)
        return samples

    def _asked(self, frame: Frame) -> Frame:
        if self._next is None:
            return broke(self._setup.part, "There is no part behind this one.", for_good=True)
        self._next.send(frame)
        return self._next.receive()
