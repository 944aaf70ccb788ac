"""The cool-down gate: before a part is timed, the machine is waited for until it is as it was, or no longer; and that is said."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from worker.profiling.instruments import Instruments, others
from worker.profiling.sensors import Reading

WARMER_C = 3.0
BUSY = 0.15
LOOK_S = 0.5
FIRST_LOOK_S = 0.1


@dataclass(frozen=True)
class Waited:
    """How long the gate was shut, and what still was not as it should be when it opened."""

    seconds: float
    left: tuple[str, ...]

    @property
    def told(self) -> str:
        """A sentence; empty when nothing had to be waited for."""
        if self.left:
            return f"After {self.seconds:.1f} s of waiting {' and '.join(self.left)}; measured all the same."
        return f"Waited {self.seconds:.1f} s until the machine was at rest." if self.seconds >= LOOK_S else ""

    def as_facts(self) -> dict[str, Any]:
        return {"seconds": round(self.seconds, 3), "left": list(self.left)}


def cooled(rest: Reading, *, limit_s: float, instruments: Instruments) -> Generator[None, None, Waited]:
    """Wait until the machine is as it was at `rest`: its heat, its highest clock, nothing that slows it, no other work.

    Yields between looks. A limit of 0 opens the gate at once, without a look.
    """
    if limit_s <= 0:
        return Waited(0.0, ())
    begun, before, pause = instruments.wall_ns(), instruments.read(), min(FIRST_LOOK_S, limit_s)
    while True:
        looked, cpu = instruments.wall_ns(), instruments.cpu_ns()
        instruments.sleep(pause)
        now, seconds = instruments.read(), (instruments.wall_ns() - begun) / 1e9
        busy = others(before.ticks, now.ticks, (instruments.cpu_ns() - cpu) / 1e9, (instruments.wall_ns() - looked) / 1e9)
        left = _left(rest, now, busy)
        if not left or seconds >= limit_s:
            return Waited(seconds, left)
        before, pause = now, min(LOOK_S, limit_s)
        yield


def _left(rest: Reading, now: Reading, busy: float | None) -> tuple[str, ...]:
    """What is not yet as it should be."""
    found = [f"the machine still says: {', '.join(now.throttled)}"] if now.throttled else []
    if rest.temperature_c is not None and now.temperature_c is not None and now.temperature_c > rest.temperature_c + WARMER_C:
        found.append(f"the processor is still at {now.temperature_c:.0f} °C, {rest.temperature_c:.0f} °C at rest")
    if rest.clock_cap_mhz and now.clock_cap_mhz and now.clock_cap_mhz < 0.95 * rest.clock_cap_mhz:
        found.append(f"the clock is still held at {now.clock_cap_mhz:,.0f} of {rest.clock_cap_mhz:,.0f} MHz")
    if busy is not None and busy > BUSY:
        found.append(f"other work still takes {busy:.1f} processors")
    return tuple(found)
