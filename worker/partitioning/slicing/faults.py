"""What can become of a chain of hosts while it is driven."""

from __future__ import annotations

from worker.reasons import INSIDE, reason


class Broke(Exception):
    """A part did not answer, or answered that it cannot. `part` counts from 1; `for_good`: trying again would not help.

    `why` is a sentence for a person; `detail`, a library's own words, stands in the trace only.
    """

    def __init__(self, part: int, why: str, *, for_good: bool = False, detail: str = "") -> None:
        super().__init__(f"{why} {detail}".strip())
        self.part, self.why, self.for_good = part, why, for_good


class GaveUp(ValueError):
    """A run cannot go on; told in a sentence."""


def told(error: Exception, otherwise: str) -> str:
    """Our own words, or what the machine lacked; `otherwise` where it is a library that speaks."""
    found = reason(error)
    return otherwise if found == INSIDE else found


def detailed(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]
