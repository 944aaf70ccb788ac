"""Which ways of training a memory budget has room for, in words that the worker, pages, programs and terminals share.

No torch here: the worker rehearses (`worker.training.fitting`) and plans (`worker.training.fitted`), everybody reads.
"""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field

from worker.structure import Fact

# One higher with every change of what is foretold: rehearsals of another version are made again.
VERSION = 1
MB = 1_000_000
MOST_BYTES = 1e15
UNITS = {"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9}
# ASCII: the sign of kelvin is a K to whoever ignores case, and no unit.
BYTES = re.compile(r"(\d{1,15}(?:\.\d{1,15})?)\s*((?:[KMG]?B)?)", re.IGNORECASE | re.ASCII)
LONGEST_QUOTE = 40
ALLOWED = "got {got!r}; allowed: bytes, as 130MB or 1.5GB (1 MB = 1,000,000 bytes), more than 0{most}"
NEEDED = "is needed: bytes, as 130MB or 1.5GB (1 MB = 1,000,000 bytes), more than 0 and at most {most} MB"


class FittedBlock(Fact):
    """Units `first` to `last` (from 1), trained together; a whole network is one block."""

    first: int
    last: int
    batch: int = Field(description="Images a step.")
    predicted_bytes: int


class FittedWay(Fact):
    """One way of training. Everything is predicted: nothing was trained."""

    fits: bool
    batch: int | None = Field(description="Images a step, the smallest of its blocks'.")
    predicted_bytes: int | None = Field(description="What its largest block needs at once.")
    blocks: tuple[FittedBlock, ...]
    needed_bytes: int | None = Field(description="Where it does not fit: the budget that would do for the fewest samples it can "
                                                 "learn from.")
    why_not: str | None


class Fitted(Fact):
    """Of one network and one budget, by the recipe of each way. `usable_bytes`: without the margin that is kept free."""

    budget_bytes: int
    usable_bytes: int
    exits: str = Field(description="What units learn by in NeuroFlux.")
    optimiser: str
    origin: Literal["predicted"] = "predicted"
    methods: dict[str, FittedWay]


def bytes_of(text: str, plain: str = "B", most: float = MOST_BYTES) -> int:
    """130MB, 1.5 GB, 500kB, units of a thousand; a number alone is in `plain`. ValueError, in words, for anything else."""
    found = BYTES.fullmatch(text.strip())
    size = round(float(found[1]) * UNITS[(found[2] or plain).upper()]) if found else 0
    if not 0 < size <= most:
        told = f" and at most {most / MB:,.0f} MB" if most < MOST_BYTES else ""
        raise ValueError(ALLOWED.format(got=text[:LONGEST_QUOTE], most=told))
    return size
