"""Two timings, or two sizes, as words of a verdict: no gain is claimed that the measurement does not carry."""

from __future__ import annotations

from worker.profiling.stopwatch import Timing, faster
from worker.wording import NOISY

SAME = 1.005


def times(ratio: float) -> str:
    """`3.2×`; the second decimal only where the first says little."""
    return f"{ratio:.1f}×" if ratio >= 1.1 else f"{ratio:.2f}×"


def speed(before: Timing, after: Timing) -> str:
    """`1.8× faster`, `1.2× slower (noisy timing)`, or `no faster` when nothing tells the two apart."""
    ratio = faster(before, after)
    if ratio is None:
        return "no faster"
    doubt = f" ({NOISY})" if before.noise or after.noise else ""
    return f"{times(ratio)} faster{doubt}" if ratio > 1 else f"{times(1 / ratio)} slower{doubt}"


def size(ratio: float) -> str:
    """`2.0× smaller`, `no smaller`."""
    return f"{times(ratio)} smaller" if ratio >= SAME else "no smaller"
