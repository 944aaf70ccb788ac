"""A serving process as its driver has it: started fresh, spoken to over a pair of sockets, gone when the driver is."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

import worker
from worker.links.frames import Frame
from worker.profiling.stopwatch import Timing
from worker.switching.host import SERVING, SETUP
from worker.switching.serving import ANSWER, INPUT, MEMORY, PACE, PROFILE, PROFILED, REQUEST, RESIDENT, SORRY, SWAP, SWAPPED
from worker.switching.setup import Setup
from worker.switching.wire import LinkFault, Pair

HOST = "worker.switching.host"
START_S, END_S, LOOK_S = 180.0, 5.0, 0.2
# What a serving process may know of its surroundings.
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH")


class GaveUp(ValueError):
    """The serving process cannot go on, in a sentence."""


class Heard(NamedTuple):
    """A frame, and when it was here (monotonic, ns)."""

    frame: Frame
    at_ns: int


class Process:
    """The driver's end. What comes is read by a thread of its own as it comes, so that nobody waits for the driver."""

    def __init__(self, setup: Setup) -> None:
        mine, theirs = socket.socketpair()
        with theirs:
            self._child = subprocess.Popen(
                [sys.executable, "-m", HOST, str(theirs.fileno())], env=_surroundings(setup.threads), start_new_session=True,
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._pair, self._heard = Pair(mine), SimpleQueue[Heard | None]()
        self._pair.send(Frame(SETUP, {"line": setup.as_line().decode()}))
        threading.Thread(target=self._listen, name="answers", daemon=True).start()
        self.about: dict[str, Any] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int:
        return self._child.pid

    def begin(self, waiting: Callable[[], object] = lambda: None) -> dict[str, Any]:
        """Until it serves; GaveUp where it does not."""
        self.about = self._wanted(SERVING, START_S, waiting).facts
        return self.about

    def request(self, number: int, image: NDArray[Any]) -> None:
        self._send(Frame(REQUEST, {"number": number}, {INPUT: image}))

    def swap(self, number: int, to: str, *, give_back: bool = True) -> None:
        """Ask for it; that it was done comes among the answers."""
        self._send(Frame(SWAP, {"number": number, "to": to, "give_back": give_back}))

    def pace(self, slower: float) -> None:
        """From now on each computation takes so many times as long: emulated, by waiting."""
        self._send(Frame(PACE, {"slower": slower}))

    def profile(self, variant: str, *, shape: tuple[int, ...], passes: int, seconds: float) -> Timing:
        """One pass after another of one network, while nothing else is asked."""
        self._send(Frame(PROFILE, {"variant": variant, "shape": [1, *shape], "passes": passes, "seconds": seconds}))
        facts = self._wanted(PROFILED, START_S).facts
        samples = np.array(facts["samples_ns"], np.int64)
        return Timing(samples, samples.sum() / 1e9, facts["cpu_ns"] / 1e9)

    def memory(self, **what: bool) -> dict[str, int]:
        """What it holds now, while no requests are on their way."""
        self._send(Frame(MEMORY, what))
        return self._wanted(MEMORY, START_S).facts

    def ask_resident(self) -> None:
        """How much it holds in memory right now; comes among the answers."""
        self._send(Frame(RESIDENT))

    def hear(self, patience_s: float) -> Heard | None:
        """The next answer or swap; None when none came in time. GaveUp when none will ever come."""
        try:
            heard = self._heard.get(timeout=patience_s) if patience_s > 0 else self._heard.get_nowait()
        except Empty:
            return None
        if heard is None:
            raise GaveUp(f"The serving process is gone{self._ending()}.")
        if heard.frame.kind == SORRY:
            raise GaveUp(f"The serving process could not go on: {heard.frame.facts['why']}") from RuntimeError(
                heard.frame.facts["detail"])
        return heard

    def close(self) -> None:
        self._pair.close()
        self._child.kill()
        with suppress(subprocess.TimeoutExpired):
            self._child.wait(END_S)

    def _wanted(self, kind: str, patience_s: float, waiting: Callable[[], object] = lambda: None) -> Frame:
        until = time.monotonic() + patience_s
        while time.monotonic() < until:
            heard = self.hear(LOOK_S)
            waiting()
            if heard is not None and heard.frame.kind == kind:
                return heard.frame
        raise GaveUp("The serving process did not answer in time.")

    def _send(self, frame: Frame) -> None:
        try:
            self._pair.send(frame)
        except LinkFault:
            raise GaveUp(f"The serving process is gone{self._ending()}.") from None

    def _listen(self) -> None:
        try:
            while True:
                frame = self._pair.receive()
                self._heard.put(Heard(frame, time.monotonic_ns()))
        except LinkFault:
            self._heard.put(None)

    def _ending(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            code = self._child.wait(LOOK_S)
            return f": it ended with {code}"
        return ""


def _surroundings(threads: int) -> dict[str, str]:
    """The workshop found from anywhere, and libraries that open no more threads than were asked for."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    path = [str(Path(worker.__file__).parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    counts = {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    return kept | counts | {"PYTHONPATH": os.pathsep.join(path), "PYTHONDONTWRITEBYTECODE": "1"}


__all__ = ["ANSWER", "RESIDENT", "SWAPPED", "GaveUp", "Heard", "Process"]
