"""Which network the policy would choose, were the load or the deadline another: predicted from what was profiled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from worker.switching.policy import Candidate, Knobs, Policy, Window
from worker.switching.traces import Second

# Times what is there now, from and to, and steps between.
LEAST, MOST, STEPS = 0.125, 8.0, 240
MB = 1e6


@dataclass(frozen=True)
class Band:
    """From `low` to `high` times what is there now."""

    low: float
    high: float
    name: str
    latency_ms: float

    def labels(self, place: int) -> dict[str, str | int | float]:
        """`place`: the number of the network's colour."""
        return {"low": self.low, "high": self.high, "network": self.name, "place": place}


def over_loads(of: Sequence[Candidate], knobs: Knobs, now: Second, image_bytes: int) -> list[Band]:
    return _bands(of, knobs, image_bytes, lambda times: replace(now, arrivals_per_s=now.arrivals_per_s * times))


def over_deadlines(of: Sequence[Candidate], knobs: Knobs, now: Second, image_bytes: int) -> list[Band]:
    return _bands(of, knobs, image_bytes, lambda times: replace(now, deadline_ms=now.deadline_ms * times))


def _bands(of: Sequence[Candidate], knobs: Knobs, image_bytes: int, at: Callable[[float], Second]) -> list[Band]:
    found = list[Band]()
    policy = Policy(of, knobs, of[0].name)
    for low, high in _steps():
        chosen = policy.target(_window(at((low * high) ** 0.5), image_bytes))[0]
        if found and found[-1].name == chosen.name:
            found[-1] = replace(found[-1], high=high)
        else:
            found.append(Band(low, high, chosen.name, chosen.latency_ms))
    return found


def _steps() -> Iterator[tuple[float, float]]:
    edges = [float(f"{LEAST * (MOST / LEAST) ** (step / STEPS):.4g}") for step in range(STEPS + 1)]
    return pairwise(edges)


def _window(there: Second, image_bytes: int) -> Window:
    free = None if there.free_mb is None else round(MB * there.free_mb)
    return Window(0, None, there.arrivals_per_s, there.within_ms(image_bytes), free)
