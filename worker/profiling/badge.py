"""How far a timing can be trusted: stable, noisy or throttled, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

import numpy as np

from worker.profiling.sampling import Sampled

Word = Literal["stable", "noisy", "throttled"]
MOVED = 0.1
CLOCK_FELL = 0.1
SLOWER = 0.05
PORTIONS_FOR_A_TREND = 3
SAMPLES_FOR_A_TREND = 30
SPARE = 0.15


@dataclass(frozen=True)
class Badge:
    """One word, and the reasons for it; none for a stable timing."""

    word: Word
    reasons: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.word} ({', '.join(self.reasons)})" if self.reasons else self.word


def judged(found: Sampled, *, threads: int, processors: int, steady: bool = True) -> Badge:
    """The badge of one timed part. `processors`: on how many the process may run; `steady`: the warm-up came to rest."""
    throttled = _throttled(found)
    few = [f"{threads} threads on {processors} processors"] if threads > processors else []
    restless = [] if steady else ["the warm-up came to no rest"]
    noise = [*found.timing.noise, *few, *_crowded(found, threads, processors), *_moved(found), *restless]
    if throttled:
        return Badge("throttled", (*throttled, *noise))
    return Badge("noisy", tuple(noise)) if noise else Badge("stable")


def disturbance(found: Sampled, badge: Badge) -> float:
    """0 when stable, else more the more was wrong: the calmest of several tries has the least."""
    if badge.word == "stable":
        return 0.0
    timing = found.timing
    return len(badge.reasons) + 10 * (badge.word == "throttled") + (timing.wall_s / timing.cpu_s if timing.cpu_s else 1.0)


def _throttled(found: Sampled) -> list[str]:
    return [reason for reason in (_said(found), _counted(found), _fell(found)) if reason]


def _said(found: Sampled) -> str:
    """What the machine itself names as slowing it."""
    words = list(dict.fromkeys(word for reading in found.readings for word in reading.get("throttled", [])))
    heat = max((reading["temperature_c"] for reading in found.readings if "temperature_c" in reading), default=None)
    at = f" at {heat:.0f} °C" if heat is not None else ""
    return f"the machine said: {', '.join(words)}{at}" if words else ""


def _counted(found: Sampled) -> str:
    if not found.portions:
        return ""
    before, after = found.portions[0]["before"].get("throttle_count"), found.readings[-1].get("throttle_count")
    more = after - before if before is not None and after is not None else 0
    return f"the processor was throttled {more} times" if more > 0 else ""


def _fell(found: Sampled) -> str:
    """A clock that is lower at the end while inferences take longer: some governors wander, and nothing is the slower."""
    clocks = [reading["clock_mhz"] for reading in found.readings if reading.get("clock_mhz")]
    first, last = _ends(clocks, PORTIONS_FOR_A_TREND)
    if not first or last >= (1 - CLOCK_FELL) * first:
        return ""
    early, late = _ends(found.timing.samples_ns.tolist(), SAMPLES_FOR_A_TREND)
    return f"the clock fell from {first:,.0f} to {last:,.0f} MHz" if late > (1 + SLOWER) * early else ""


def _moved(found: Sampled) -> list[str]:
    early, late = _ends(found.timing.samples_ns.tolist(), SAMPLES_FOR_A_TREND)
    if not early or abs(late - early) <= MOVED * early:
        return []
    return [f"the median moved from {early / 1e6:.3g} to {late / 1e6:.3g} ms while it was timed"]


def _ends(values: Sequence[float], least: int) -> tuple[float, float]:
    """The medians of the first and the last third; nothing below `least` values."""
    third = len(values) // 3
    return (float(median(values[:third])), float(median(values[-third:]))) if len(values) >= max(least, 3) else (0.0, 0.0)


def _crowded(found: Sampled, threads: int, processors: int) -> list[str]:
    """With one thread the CPU time tells; with several, how busy the others were beside them."""
    seen = [portion["others"] for portion in found.portions if portion.get("others") is not None]
    busy = float(np.mean(seen)) if seen else 0.0
    if threads == 1 or busy <= SPARE or threads + busy <= processors + SPARE:
        return []
    return [f"other work took {busy:.1f} of the {processors} processors meanwhile"]
