"""The clocks and sensors of a measurement, in one hand: a test brings its own and needs neither time nor a machine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from worker.profiling.sensors import Reading, Sensors, Ticks

TICKS_PER_S = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


def _allowed() -> int:
    """On how many processors this process may run; fewer than the machine has where it is bound to some."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Instruments:
    """Wall and CPU time in nanoseconds, a way to wait, and what the machine tells of itself."""

    wall_ns: Callable[[], int] = time.perf_counter_ns
    cpu_ns: Callable[[], int] = time.process_time_ns
    sleep: Callable[[float], None] = time.sleep
    read: Callable[[], Reading] = field(default_factory=lambda: Sensors().read)
    processors: Callable[[], int] = _allowed


def others(before: Ticks | None, after: Ticks | None, own_cpu_s: float, wall_s: float) -> float | None:
    """How many processors other work kept busy between two readings; None where the machine does not tell."""
    if before is None or after is None or after.all <= before.all or not wall_s:
        return None
    return max(0.0, ((after.busy - before.busy) / TICKS_PER_S - own_cpu_s) / wall_s)


def threads_alive() -> int | None:
    """How many threads this process has, where the system tells."""
    tasks = Path("/proc/self/task")
    try:
        return sum(1 for _ in tasks.iterdir())
    except OSError:
        return None
