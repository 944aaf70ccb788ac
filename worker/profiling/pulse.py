"""When to speak: often enough that a run can be cancelled and looks alive, seldom enough to disturb nothing."""

from __future__ import annotations

import time


class Pulse:
    """`due()` is true once every `every` seconds."""

    def __init__(self, every: float = 0.4) -> None:
        self.every = every
        self._last = time.monotonic()

    def due(self) -> bool:
        now = time.monotonic()
        if now - self._last < self.every:
            return False
        self._last = now
        return True
