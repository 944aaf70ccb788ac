"""What a run has measured, image by image: kept as it grows, so that a run that goes on has what it had."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from worker.partitioning.slicing.chain import Ran
from worker.profiling.stopwatch import Timing

# By how much an answer may differ from the whole network's, of its largest number.
ALIKE = 1e-5


@dataclass
class Found:
    """`alone_ns`: passes of each part alone. A row an image: nanoseconds of each part, of each hop, and of all from the first
    part's beginning to the last one's end; bytes that each part sent on."""

    alone_ns: list[list[int]] = field(default_factory=list)
    stages_ns: list[list[int]] = field(default_factory=list)
    hops_ns: list[list[int]] = field(default_factory=list)
    latency_ns: list[int] = field(default_factory=list)
    sent_bytes: list[list[int]] = field(default_factory=list)
    bit_equal: bool = True
    apart: float = 0.0
    restarts: int = 0

    @property
    def images(self) -> int:
        return len(self.latency_ns)

    def add(self, ran: Ran, same: NDArray[Any], whole: NDArray[Any]) -> None:
        """`same`: what the same slices answered in one process; `whole`: what the whole network did."""
        stamps = ran.stamps
        self.stages_ns.append([each.ended_ns - each.began_ns for each in stamps])
        self.hops_ns.append([later.began_ns - each.ended_ns for each, later in pairwise(stamps)])
        self.latency_ns.append(stamps[-1].ended_ns - stamps[0].began_ns)
        self.sent_bytes.append([each.sent_bytes or 0 for each in stamps[:-1]])
        self.bit_equal &= ran.answer.dtype == same.dtype and ran.answer.tobytes() == same.tobytes()
        self.apart = max(self.apart, difference(ran.answer, whole))

    def as_bytes(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, body: bytes) -> Found:
        return cls(**json.loads(body))

    @property
    def stage_ms(self) -> list[float]:
        return _medians_ms(self.stages_ns)

    @property
    def hop_ms(self) -> list[float]:
        return _medians_ms(self.hops_ns)

    @property
    def typical_ms(self) -> list[float]:
        """Of the image in the middle, all parts and links in turn: together what it took."""
        image = int(np.argsort(self.latency_ns, kind="stable")[(self.images - 1) // 2])
        stages, hops = self.stages_ns[image], self.hops_ns[image]
        return [each / 1e6 for pair in zip(stages, [*hops, 0], strict=True) for each in pair][:2 * len(stages) - 1]

    @property
    def latency(self) -> Latency:
        timing = Timing(np.asarray(self.latency_ns, dtype=np.int64), 0.0, 0.0)
        low, high = timing.interval_ms or (None, None)
        return Latency(timing.p50_ms, low, high, tuple(timing.noise))

    @property
    def bytes_an_image(self) -> float:
        """On the connections, heads and facts included; the median."""
        return float(np.median([sum(row) for row in self.sent_bytes])) if self.sent_bytes else 0.0


class Latency(NamedTuple):
    """Of a typical image, with the 95 % interval of that where there are enough of them. `noise`: why to trust it less."""

    ms: float
    low_ms: float | None
    high_ms: float | None
    noise: tuple[str, ...] = ()


def difference(answer: NDArray[Any], whole: NDArray[Any]) -> float:
    """The largest, of the largest number of the whole network's answer; infinite where only one has numbers that are none."""
    if answer.shape != whole.shape:
        return float("inf")
    if not (np.isfinite(answer).all() and np.isfinite(whole).all()):
        return 0.0 if answer.tobytes() == whole.tobytes() else float("inf")
    largest = max(float(np.abs(whole).max(initial=0)), 1e-12)
    return float(np.abs(answer - whole).max(initial=0)) / largest


def _medians_ms(rows: Sequence[Sequence[float]]) -> list[float]:
    return [float(each) / 1e6 for each in np.median(np.asarray(rows, dtype=np.float64), axis=0)] if rows and rows[0] else []
