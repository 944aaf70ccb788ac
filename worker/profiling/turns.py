"""Passes through a network block by block and, in turn, in one piece; every one of them kept. NumPy only."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from worker.profiling.stopwatch import Call, Plan, Timing, median_ranks

# Of one pass: when each block began, and last when the pass had ended, in nanoseconds.
Pass = Callable[[], list[int]]
# A pass that waited for the processor lasted longer than it computed; reading the clocks takes some microseconds as well.
CALM, CLOCKS_NS = 1.05, 20_000
ENOUGH = 6  # passes, of which the middle half is three or more


@dataclass(frozen=True)
class Span:
    """What one block takes in a typical pass, in seconds, with its 95 % interval where there are passes enough."""

    seconds: float
    low_s: float | None
    high_s: float | None


@dataclass(frozen=True)
class Samples:
    """All turns as they were: a row for every one, with the wall and CPU time of both of its passes (by blocks, in one piece)."""

    blocks_ns: NDArray[np.int64]
    whole_ns: NDArray[np.int64]
    wall_ns: NDArray[np.int64]
    cpu_ns: NDArray[np.int64]

    @property
    def calm(self) -> NDArray[np.bool_]:
        """Turns in which nothing else took the processor, by both passes' own CPU time; all of them where these are too few."""
        calm = self.wall_ns <= CALM * self.cpu_ns + CLOCKS_NS
        kept: NDArray[np.bool_] = calm[:, 0] & calm[:, 1]
        return kept if median_ranks(int(kept.sum())) else np.ones_like(kept)

    @property
    def found(self) -> Found:
        kept = self.calm
        return Found(self.blocks_ns[kept], self.whole_ns[kept], self.wall_ns[kept].sum() / 1e9, self.cpu_ns[kept].sum() / 1e9,
                     left_out=int((~kept).sum()))

    def as_bytes(self) -> bytes:
        return np.column_stack((self.blocks_ns, self.whole_ns, self.wall_ns, self.cpu_ns)).tobytes()

    @classmethod
    def of(cls, table: NDArray[np.int64]) -> Samples:
        """Of rows of numbers: the blocks, the whole, then wall and CPU time of both passes."""
        return cls(table[:, :-5], table[:, -5], table[:, -4:-2], table[:, -2:])

    @classmethod
    def from_bytes(cls, body: bytes, turns: int) -> Samples:
        return cls.of(np.frombuffer(body, dtype=np.int64).reshape(turns, -1))


@dataclass(frozen=True)
class Found:
    """What the calm turns say; `left_out`: how many others there were."""

    blocks_ns: NDArray[np.int64]
    whole_ns: NDArray[np.int64]
    wall_s: float
    cpu_s: float
    left_out: int = 0

    @property
    def repeats(self) -> int:
        return len(self.whole_ns)

    @property
    def typical(self) -> NDArray[np.bool_]:
        """Passes by blocks whose whole length lies in the middle half.

        Means over these add up to a typical pass. Medians of each block alone do not: small pauses fall into nearly every pass,
        but seldom twice into the same block, so each median leaves them out (2 % of MobileNetV2).
        """
        length = self.blocks_ns.sum(axis=1)
        low, high = np.quantile(length, 0.25, method="lower"), np.quantile(length, 0.75, method="higher")
        found: NDArray[np.bool_] = (length >= low) & (length <= high)
        return found

    @property
    def spans(self) -> list[Span]:
        has_interval = len(self.blocks_ns) >= ENOUGH
        return [_span(column, has_interval) for column in self.blocks_ns[self.typical].T]

    @property
    def sum_s(self) -> float:
        """The mean length of the typical passes."""
        return float(self.blocks_ns[self.typical].sum(axis=1).mean()) / 1e9

    @property
    def whole(self) -> Timing:
        return Timing(self.whole_ns, self.wall_s, self.cpu_s)

    @property
    def whole_s(self) -> float:
        return float(np.median(self.whole_ns)) / 1e9

    @property
    def additivity_error(self) -> float:
        return self.sum_s / self.whole_s - 1 if self.whole_s else 0.0

    @property
    def cost(self) -> float:
        """How many passes in one piece a pass with clocks costs: the median over the turns, so that a busy minute hits both."""
        return float(np.median(self.blocks_ns.sum(axis=1) / np.maximum(self.whole_ns, 1)))


def _span(samples_ns: NDArray[np.int64], has_interval: bool) -> Span:
    mean = float(samples_ns.mean())
    if not has_interval:
        return Span(mean / 1e9, None, None)
    half = _t95(len(samples_ns) - 1) * float(samples_ns.std(ddof=1)) / math.sqrt(len(samples_ns))
    return Span(mean / 1e9, max(0.0, mean - half) / 1e9, (mean + half) / 1e9)


def _t95(freedom: int) -> float:
    """The 97.5 % quantile of Student's t, by its expansion in 1 / freedom (Fisher and Cornish, 1960); 0.5 % off at 3."""
    z, n = 1.959964, float(freedom)
    return (z + (z**3 + z) / (4 * n) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * n**2)
            + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * n**3))


@dataclass
class Turns:
    """Takes passes in turn: by blocks then whole, whole then by blocks, so that neither is always the first of a pair."""

    by_blocks: Pass
    whole: Call
    ready: Callable[[str], None] = lambda which: None
    clock: Callable[[], int] = time.perf_counter_ns
    cpu: Callable[[], int] = time.process_time_ns
    rows: list[list[int]] = field(default_factory=list)
    spent_ns: int = 0

    def resume(self, samples: Samples) -> None:
        self.rows = np.column_stack((samples.blocks_ns, samples.whole_ns, samples.wall_ns, samples.cpu_ns)).tolist()
        self.spent_ns = int(samples.whole_ns.sum())

    def warm(self, times: int) -> Generator[None, None, None]:
        """Passes that do not count; the one in pieces is another program to the engine, so both are warmed."""
        for _ in range(times):
            self.ready("blocks")
            self.by_blocks()
            yield
            self.ready("whole")
            self.whole()
            yield

    def take(self) -> None:
        """One turn: a pass by blocks and one in one piece, each first every other time."""
        if self.count % 2:
            whole, blocks = self._in_one_piece(), self._in_blocks()
        else:
            blocks, whole = self._in_blocks(), self._in_one_piece()
        (stamps, *in_blocks), (wall, cpu) = blocks, whole
        lasted = [end - start for start, end in pairwise(stamps)]
        self.rows.append([*lasted, wall, in_blocks[0], wall, in_blocks[1], cpu])
        self.spent_ns += wall

    def _in_blocks(self) -> tuple[list[int], int, int]:
        self.ready("blocks")
        cpu, begun = self.cpu(), self.clock()
        stamps = self.by_blocks()
        wall = self.clock() - begun
        return stamps, wall, self.cpu() - cpu

    def _in_one_piece(self) -> tuple[int, int]:
        self.ready("whole")
        cpu, begun = self.cpu(), self.clock()
        self.whole()
        wall = self.clock() - begun
        return wall, self.cpu() - cpu

    @property
    def count(self) -> int:
        return len(self.rows)

    def part(self, plan: Plan) -> float:
        """How much of the plan is done, 0 to 1."""
        spent = self.spent_ns / 1e9 / plan.seconds if plan.seconds else 1.0
        return min(1.0, max(min(self.count / plan.least, spent), self.count / plan.most))

    def is_enough(self, plan: Plan) -> bool:
        return self.part(plan) >= 1

    @property
    def samples(self) -> Samples:
        return Samples.of(np.asarray(self.rows, dtype=np.int64))

    @property
    def found(self) -> Found:
        return self.samples.found
