"""A network's slices in ONNX Runtime, one session each in one process, each given what the one before it answers. No torch."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worker.profiling import onnx

# Sessions keep weights in their own order beside what they read; both programs of one network must fit.
ROOM = 2.5
FARTHEST = 1e-3
Numbers = NDArray[np.float32]


@dataclass
class Chain:
    """The slices and the whole network on the same images. Where memory is `short` only one of the two is loaded at a time."""

    slices: Sequence[Path]
    whole: Path
    images: Numbers
    threads: int
    short: bool = False
    clock: Callable[[], int] = time.perf_counter_ns
    _loaded: dict[str, list[Any]] = field(default_factory=dict)

    def ready(self, which: str) -> None:
        """Load what is needed next, outside of what is timed; what was loaded afresh runs once before it counts."""
        if which in self._loaded:
            return
        if self.short:
            self._loaded.clear()
        files = self.slices if which == "blocks" else [self.whole]
        self._loaded[which] = [_bound(onnx.session(file, threads=self.threads, is_one_of_many=True)) for file in files]
        if self.short:
            self.answer(which)

    def by_blocks(self) -> list[int]:
        """One pass; when each block began and when the last one had ended."""
        value, stamps, clock = self.images, [], self.clock
        for run, name in self._loaded["blocks"]:
            stamps.append(clock())
            (value,) = run(None, {name: value})
        stamps.append(clock())
        return stamps

    def in_one_piece(self) -> object:
        ((run, name),) = self._loaded["whole"]
        return run(None, {name: self.images})

    def answer(self, which: str) -> Numbers:
        value = self.images
        for run, name in self._loaded[which]:
            (value,) = run(None, {name: value})
        return value

    def check(self) -> float:
        """How far the chain's answer is from the whole network's, relative to its largest number; ValueError when too far."""
        answers = []
        for which in ("blocks", "whole"):
            self.ready(which)
            answers.append(self.answer(which))
        largest = max(float(np.abs(answers[1]).max(initial=0)), 1e-12)
        apart = float(np.abs(answers[0] - answers[1]).max(initial=0)) / largest
        if not apart <= FARTHEST:
            raise ValueError(f"The blocks in a row answer otherwise than the whole network, by {apart:.1e} of the largest.")
        return apart


def _bound(session: Any) -> tuple[Any, str]:
    return session.run, session.get_inputs()[0].name


def images(in_shape: Sequence[int], batch: int) -> Numbers:
    """Random images, the same ones every time."""
    return np.random.default_rng(0).standard_normal((batch, *in_shape), dtype=np.float32)


def is_short(files: Sequence[Path], free_bytes: int | None) -> bool:
    """Whether slices and whole network together would not fit; unknown means that they do."""
    needed = ROOM * sum(file.stat().st_size for file in files)
    return free_bytes is not None and needed > free_bytes


def free_memory_bytes(told: Path = Path("/proc/meminfo")) -> int | None:
    """What a process may still take, as Linux estimates it."""
    try:
        lines = dict(line.split(":", 1) for line in told.read_text().splitlines())
        return int(lines["MemAvailable"].split()[0]) * 1024
    except (OSError, ValueError, KeyError, IndexError):
        return None
