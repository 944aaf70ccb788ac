"""Who would be the target over the load and over the deadline, as a finished run of `portfolio.switching` predicted it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.portfolios.served import positive
from apps.portfolios.strips import Band, Strip, strip
from apps.portfolios.strips import bands_of as read
from worker.wording import figures

# What is varied: what a run calls what it was in its trace, and in which unit.
AXES = {"load": ("arrivals_per_s", "requests/s"), "deadline": ("deadline_ms", "ms")}


@dataclass(frozen=True)
class Targets:
    """`over`: what is varied, `load` or `deadline`. `now`: what it is in the run's trace, in `unit`; None where the run did not
    say it. `bands`: at least one, each in times of `now`."""

    over: str
    unit: str
    now: float | None
    bands: Sequence[Band]

    def strip(self, colours: Mapping[str, int]) -> Strip:
        """In the unit that people know, where the run said what is now; else in times of it."""
        title, now = f"Over the {self.over}", self.now
        if now is None:
            return strip(title, "times what the trace has, the dashed line", self.bands, colours)
        axis = f"{self.unit}; the dashed line is this trace's: {figures(now)}"
        return strip(title, axis, self.bands, colours, lambda times: figures(times * now), self.unit)


def targets(told: Mapping[str, Any]) -> list[Targets]:
    """`told`: what the run said at its end."""
    bands = told.get("drive_bands")
    if not isinstance(bands, dict):
        return []
    return [Targets(over, unit, positive(told.get(now)), found) for over, (now, unit) in AXES.items()
            if (found := read(bands.get(over), "name"))]
