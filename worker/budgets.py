"""Which ways of training a memory budget has room for, in words that the worker, pages, programs and terminals share.

No torch here: the worker rehearses (`worker.training.fitting`) and plans (`worker.training.fitted`), everybody reads.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from worker.structure import Fact

# One higher with every change of what is foretold: rehearsals of another version are made again.
VERSION = 1
MB = 1_000_000
MOST_BYTES = 1e15
STEPS, DIGITS = (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)), 3
UNITS = {"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9}
# ASCII: the sign of kelvin is a K to whoever ignores case, and no unit.
BYTES = re.compile(r"(\d{1,15}(?:\.\d{1,15})?)\s*((?:[KMG]?B)?)", re.IGNORECASE | re.ASCII)
# What is meant as a size, whatever its unit is; and one in powers of 1,024.
SIZE = re.compile(r"\d[\d.,]{0,30}\s*[a-z]{1,10}", re.IGNORECASE | re.ASCII)
BINARY = re.compile(r"(\d{1,15}(?:\.\d{1,15})?)\s*([KMG])iB", re.IGNORECASE | re.ASCII)
POWERS = {"K": 1, "M": 2, "G": 3}
LONGEST_QUOTE = 40
# How the reason of a run begins that would be refused again with the same budget.
REFUSED = "The memory budget of "
ALLOWED = "got {got!r}; allowed: bytes, as 130MB or 1.5GB (1 MB = 1,000,000 bytes; a number alone is MB), more than 0{most}{hint}"
NEEDED = "is needed: bytes, as 130MB or 1.5GB (1 MB = 1,000,000 bytes; a number alone is MB), more than 0 and at most {most} MB"


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


def bytes_of(text: str, most: float = MOST_BYTES) -> int:
    """130MB, 1.5 GB, 500kB, units of a thousand; a number alone is MB. ValueError, in words, for anything else."""
    size = round(_size(text) or 0)
    if not 0 < size <= most:
        raise ValueError(_allowed(text, f" and at most {most / MB:,.0f} MB" if most < MOST_BYTES else ""))
    return size


def megabytes(typed: Any) -> Any:
    """The MB of a text with a unit; anything else as it is, for its field to judge. ValueError for a unit that is none."""
    if not isinstance(typed, str) or not SIZE.fullmatch(typed.strip()):
        return typed
    size = _size(typed)
    if size is None:
        raise ValueError(_allowed(typed))
    return size / MB


# A parameter in MB that takes `1.5GB` too.
Megabytes = Annotated[float, BeforeValidator(megabytes)]


def said(size: float) -> str:
    """Bytes as a budget is typed: `200 kB`, `1.2 MB`, `1.5 GB`."""
    unit, one = next(((name, one) for name, one in STEPS if size >= one), ("B", 1.0))
    return f"{size / one:,.6g} {unit}"


def enough(size: int) -> str:
    """The same in three digits, rounded up: who asks for so much is not refused again."""
    one = 10 ** max(0, len(str(size)) - DIGITS)
    return said(-(-size // one) * one)


def _size(text: str) -> float | None:
    """Bytes."""
    found = BYTES.fullmatch(text.strip())
    return float(found[1]) * UNITS[(found[2] or "MB").upper()] if found else None


def _allowed(text: str, most: str = "") -> str:
    found = BINARY.fullmatch(text.strip())
    size = float(found[1]) * 1024.0 ** POWERS[found[2].upper()] / MB if found else 0
    hint = f"; that would be {size:.4g}MB" if found else ""
    return ALLOWED.format(got=text[:LONGEST_QUOTE], most=most, hint=hint)
