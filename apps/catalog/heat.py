"""What a column of numbers is coloured by: five steps from its largest value, the same for a graph and its legend."""

from __future__ import annotations

from collections.abc import Iterable
from math import floor, log10
from typing import NamedTuple

# Of most networks few layers hold nearly everything: each step is about three times the one before. Living memory differs
# little from layer to layer: equal steps.
PARTS = {False: (0.01, 0.03, 0.1, 0.3, 1.0), True: (0.2, 0.4, 0.6, 0.8, 1.0)}


class Column(NamedTuple):
    """A number that every layer has: its name in code and for people, its kind of unit, and whether its steps are equal."""

    name: str
    word: str
    is_bytes: bool
    is_even: bool = False


COLUMNS = (Column("params", "parameters", False), Column("macs", "MACs", False), Column("activation_bytes", "activation", True),
           Column("living_bytes", "living memory", True, True))


class Step(NamedTuple):
    """One colour of the scale: layers above `low` and up to `high`. Step 0 is those that have nothing."""

    number: int
    low: int
    high: int


class Scale:
    """The steps of one column of a network."""

    def __init__(self, column: Column, values: Iterable[int]) -> None:
        self.column = column
        self.top = max(values, default=0)
        bounds = sorted({_round(self.top * part) for part in PARTS[column.is_even][:-1]} - {0}) if self.top else []
        self.bounds = [bound for bound in bounds if bound < self.top] + ([self.top] if self.top else [])

    def step(self, value: int) -> int:
        """0 for nothing, else 1 to 5; the largest value is always 5."""
        if value <= 0:
            return 0
        above = sum(value > bound for bound in self.bounds)
        return max(1, 5 - len(self.bounds) + min(above, len(self.bounds) - 1) + 1)

    @property
    def steps(self) -> list[Step]:
        lows = [0, *self.bounds]
        return [Step(self.step(high), low, high) for low, high in zip(lows, self.bounds, strict=False)]


def column(name: str) -> Column | None:
    return next((each for each in COLUMNS if each.name == name), None)


def _round(value: float) -> int:
    """With two digits that are not nought, as a legend is read."""
    if value < 1:
        return 0
    unit = 10 ** max(0, floor(log10(value)) - 1)
    return int(round(value / unit) * unit)
