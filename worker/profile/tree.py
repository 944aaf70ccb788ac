"""A file as values that know where they stand, however it was written."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from worker.profile.faults import Fault, Faults, Unfit, quoted

DEEPEST = 32
MOST_DIGITS = 17
LONGEST_NUMBER = 19


class Spot(NamedTuple):
    """Line and column, both from 1."""

    line: int
    column: int


@dataclass(slots=True)
class Node:
    """A value: None, bool, int, float, text, a list of nodes, or nodes by their keys.

    `text` is how it is written, `key` where its key stands, `label` what the file calls it where that is not its path;
    of a `broken` one the reader has said already what is wrong.
    """

    value: Any
    at: Spot
    text: str = ""
    label: str = ""
    key: Spot | None = None
    broken: bool = False

    def plain(self) -> Any:
        if isinstance(self.value, dict):
            return {name: each.plain() for name, each in self.value.items()}
        return [each.plain() for each in self.value] if isinstance(self.value, list) else self.value


    def broken_ones(self, path: str = "") -> Iterator[tuple[Spot, str]]:
        """Where the broken ones stand, and the way to them."""
        if self.broken:
            yield self.at, path
        if isinstance(self.value, dict):
            for name, each in self.value.items():
                yield from each.broken_ones(f"{path}.{quoted(name)}".removeprefix("."))
        elif isinstance(self.value, list):
            for place, each in enumerate(self.value):
                yield from each.broken_ones(f"{path}[{place}]")


def named(faults: Faults, root: Node) -> None:
    """Give the faults of single values the way to them, which their reader did not know."""
    ways = dict(root.broken_ones()) if faults else {}
    faults.found = [replace(each, key=ways.get(Spot(each.line or 0, each.column or 0), "")) if not each.key else each
                    for each in faults]


class Lines:
    """Where a character of a text stands."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(at + 1 for at, letter in enumerate(text) if letter == "\n")]

    def spot(self, at: int) -> Spot:
        line = bisect_right(self._starts, at)
        return Spot(line, at - self._starts[line - 1] + 1)


def refused(at: Spot, got: str, allowed: str, key: str = "") -> Unfit:
    return Unfit(Fault(key, got, allowed, at.line, at.column))


def said_twice(key: str, at: Spot, first: Node) -> Unfit:
    there = f" (it stands in line {first.key.line})" if first.key else ""
    return refused(at, "this key again", f"each key once{there}", quoted(key))


def too_deep(at: Spot) -> Unfit:
    return refused(at, f"a level {DEEPEST + 1} deep", f"at most {DEEPEST} levels")


def value(text: str, at: Spot, faults: Faults) -> Node:
    """A node of a number; one that cannot be kept is told, and the file is read further."""
    try:
        return Node(number(text, at), at, text)
    except Unfit as unfit:
        faults.take(unfit)
        return Node(0, at, text, broken=True)


def number(text: str, at: Spot) -> int | float:
    """A JSON number as it stands there: whole numbers whole, others as near as 64 bits come, which are exact to 17 digits."""
    mantissa = text.lstrip("-").lower().partition("e")[0]
    digits = (mantissa.rstrip("0") if "." in mantissa else mantissa).replace(".", "").lstrip("0")
    if text.lstrip("-").isdigit():
        if len(digits) > LONGEST_NUMBER:
            raise refused(at, f"a whole number of {len(digits):,} digits", f"at most {LONGEST_NUMBER} digits")
        return int(text)
    if len(digits) > MOST_DIGITS:
        raise refused(at, f"{text[:40]}, {len(digits):,} digits", f"at most {MOST_DIGITS} digits, more than 64 bits can keep")
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise refused(at, text[:40], "a number that 64 bits can keep, up to 1.7e308")
    if value == 0 and digits:
        raise refused(at, text[:40], "0, or a number that 64 bits can keep, from 5e-324")
    return value + 0.0  # Minus zero is zero.
