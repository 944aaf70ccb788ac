"""Where a run's time went: one bar a phase."""

from __future__ import annotations

import time

from worker.events import Metric


class Phases:
    """`end(name)` closes the phase that has been running since the last one ended."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._begun = time.monotonic()

    def end(self, name: str) -> Metric:
        now = time.monotonic()
        self.seconds[name] = now - self._begun
        self._begun = now
        return Metric(name="phase_seconds", value=round(self.seconds[name], 4), labels={"phase": name})
