"""The serving process from within: requests in the order they come, one thread that computes, another that prepares swaps.

A request is computed by whichever network serves when its turn comes; the one that computes when a swap is made ends with the
old network. Nothing that waits is drained or reordered: the queue does not know of swaps.
"""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

import numpy as np

from worker.links.frames import Frame
from worker.reasons import INSIDE, reason
from worker.switching import memory
from worker.switching.holding import Compute, Holding
from worker.switching.wire import LinkFault, Pair

REQUEST, ANSWER, SWAP, SWAPPED, PROFILE, PROFILED, PACE, MEMORY, RESIDENT, SORRY = (
    "request", "answer", "swap", "swapped", "profile", "profiled", "pace", "memory", "resident", "sorry")
INPUT, OUTPUT = "x", "y"
MOST_PASSES = 10_000
CANNOT = "a network of the set cannot be loaded or run there."
clock = time.monotonic_ns


def sorry(error: Exception) -> Frame:
    """What broke, in words for a person; a library's own stand in the trace only."""
    why = reason(error)
    return Frame(SORRY, {"why": CANNOT if why == INSIDE else why, "detail": f"{type(error).__name__}: {error}"[:500]})


@dataclass(frozen=True)
class Serving:
    """Which network serves now: replaced as a whole."""

    name: str
    compute: Compute


class Server:
    """Two threads beside the one that listens. It ends when the other end of the pair does."""

    def __init__(self, pair: Pair, holding: Holding, first: str) -> None:
        self._pair, self._holding = pair, holding
        self._now = Serving(first, holding.ready(first))
        holding.serves(first)
        self._requests: SimpleQueue[Frame] = SimpleQueue()
        self._orders: SimpleQueue[Frame] = SimpleQueue()
        self._slower = 1.0

    def serve(self) -> None:
        """Listen until nobody is there any more; what was not answered then nobody waits for."""
        for work in (self._compute, self._prepare):
            threading.Thread(target=self._until_alone, args=(work,), daemon=True).start()
        try:
            while True:
                self._take(self._pair.receive())
        except LinkFault:
            return

    def _take(self, frame: Frame) -> None:
        if frame.kind == REQUEST:
            self._requests.put(frame)
        elif frame.kind == PACE:
            self._slower = max(1.0, float(frame.facts["slower"]))
        elif frame.kind == RESIDENT:
            self._pair.send(Frame(RESIDENT, memory.resident()))
        else:
            self._orders.put(frame)

    def _until_alone(self, work: Any) -> None:
        """A thread that cannot go on ends the process: half a server would keep its callers waiting."""
        try:
            while True:
                work()
        except LinkFault:
            os._exit(0)
        except Exception as error:
            try:
                self._pair.send(sorry(error))
            finally:
                os._exit(1)

    def _compute(self) -> None:
        request = self._requests.get()
        serving = self._now  # read once: what is replaced meanwhile ends its own request
        began = clock()
        found = serving.compute(request.tensors[INPUT])
        pass_ns = clock() - began
        if self._slower > 1.0:
            time.sleep(pass_ns * (self._slower - 1.0) / 1e9)
        self._pair.send(Frame(ANSWER, {"number": request.facts["number"], "variant": serving.name, "began_ns": began,
                                       "ended_ns": clock(), "waiting": self._requests.qsize()}, {OUTPUT: found}))

    def _prepare(self) -> None:
        order = self._orders.get()
        answers = {SWAP: self._swap, PROFILE: self._profile, MEMORY: self._memory}
        self._pair.send(answers[order.kind](order.facts))

    def _swap(self, facts: dict[str, Any]) -> Frame:
        """Prepared, then replaced; the old one's memory goes back when the last request that it serves has ended."""
        before, begun = self._now.name, clock()
        if facts["to"] != before:
            compute = self._holding.ready(facts["to"])
            ready = clock()
            self._now = Serving(facts["to"], compute)
            self._holding.serves(facts["to"])
            self._holding.left(before)
            del compute
        else:
            ready = begun
        told = {"number": facts["number"], "to": facts["to"], "from": before, "begun_ns": begun, "ready_ns": ready,
                "at_once": memory.held()}
        if facts.get("give_back", True):
            memory.give_back()
        return Frame(SWAPPED, told | {"after": memory.held()})

    def _profile(self, facts: dict[str, Any]) -> Frame:
        """How long one network takes, alone, pass after pass: only while no requests come."""
        serving, name = self._now, facts["variant"]
        compute = serving.compute if serving.name == name else self._holding.ready(name)
        image, samples = np.zeros(facts["shape"], np.float32), list[int]()
        until, cpu = clock() + round(1e9 * float(facts["seconds"])), time.process_time_ns()
        while len(samples) < min(int(facts["passes"]), MOST_PASSES) and (len(samples) < 3 or clock() < until):
            began = clock()
            compute(image)
            samples.append(clock() - began)
        return Frame(PROFILED, {"variant": name, "samples_ns": samples, "cpu_ns": time.process_time_ns() - cpu})

    def _memory(self, facts: dict[str, Any]) -> Frame:
        if facts.get("give_back"):
            memory.give_back()
        told = memory.held()
        if facts.get("forget_peak"):
            memory.forget_peak()
        return Frame(MEMORY, told)
