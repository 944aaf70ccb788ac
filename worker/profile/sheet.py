"""Tables as text: lines and cells that know where they stand, strictly; how a file writes them is kept for its way out."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from worker.profile.faults import Fault, Faults, Unfit, quoted

LONGEST_LINE = 10_000
COMMA, SEMICOLON, TAB = ",", ";", "\t"
NAMES = {COMMA: "commas", SEMICOLON: "semicolons", TAB: "tabs"}
STANDARD_END = "\r\n"
DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+(?:[eE][+-]?[0-9]+)?")
# A spreadsheet takes a cell that begins so, behind blanks even, for a formula.
FORMULA = re.compile(r"'*[\s\u00a0]*[=+\-@\t\r]")
GUARD, QUOTE = "'", '"'
LINE = re.compile(r"[^\n]*\n|[^\n]+")
QUOTED = re.compile(r'[",\r\n]')


class Row(NamedTuple):
    """A line of the table: its number in the file, its cells with the column each begins at, and its text without its end."""

    line: int
    cells: list[str]
    columns: list[int]
    raw: str


@dataclass
class Sheet:
    """A table: its header, the rows below it, and what its lines end with. `preface`: lines of # above the header, whole.

    `is_even`: all lines end alike.
    """

    header: Row
    rows: list[Row]
    separator: str
    end: str
    has_last_end: bool
    is_even: bool = True
    has_mark: bool = False
    preface: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def sheet(text: str, has_mark: bool = False) -> Sheet:
    """Every line of the same number of cells, or faults for all that are not."""
    lines = LINE.findall(text) if "\r" not in text.replace("\r\n", "") else _lone_return(text)
    has_last_end, notes = lines[-1:] != [] and lines[-1].endswith("\n"), []
    trailing = len(lines)
    while lines and not lines[-1].strip():
        lines.pop()
    if trailing > len(lines):
        notes.append("Empty lines at its end are left out.")
        has_last_end = True
    first = next((number for number, line in enumerate(lines) if not line.startswith("#")), None)
    if first is None:
        raise Unfit(Fault("", "no line", "a header and a line for each block", 1, 1))
    separator, faults = _separator(lines[first]), Faults()
    rows = list(_rows(lines, first, separator, faults))
    faults.check()
    end = "\r\n" if lines[first].endswith("\r\n") else "\n" if lines[first].endswith("\n") else STANDARD_END
    if separator != COMMA:
        notes.append(f"Its columns are parted by {NAMES[separator]}.")
    is_even = all(line.endswith("\r\n") == (end == "\r\n") for line in lines if line.endswith("\n"))
    notes += [] if is_even else ["Some of its lines end with a carriage return and a line feed, some with a line feed alone."]
    return Sheet(rows[0], rows[1:], separator, end, has_last_end, is_even, has_mark, lines[:first], notes)


def _lone_return(text: str) -> list[str]:
    at = re.search(r"\r(?!\n)", text)
    line = text.count("\n", 0, at.start() if at else 0) + 1
    raise Unfit(Fault("", "a line that ends with a carriage return alone", "lines that end with a line feed", line))


def _separator(header: str) -> str:
    return next((each for each in (COMMA, SEMICOLON, TAB) if each in header), COMMA)


def _rows(lines: list[str], first: int, separator: str, faults: Faults) -> Iterator[Row]:
    wide = 0
    for number, line in enumerate(lines[first:], first + 1):
        text = line.rstrip("\r\n")
        cells = _cells(text, number, separator, faults)
        if cells is None:
            continue
        wide = wide or len(cells)
        if len(cells) != wide:
            faults.add(_ragged(text, cells, number, wide, first + 1, separator))
            continue
        yield Row(number, [cell.strip(" ") for cell in cells], _columns(text, cells, separator), text)


def _cells(text: str, number: int, separator: str, faults: Faults) -> list[str] | None:
    if len(text) > LONGEST_LINE:
        faults.add(Fault("", f"a line of {len(text):,} characters", f"at most {LONGEST_LINE:,}", number, LONGEST_LINE + 1))
    elif not text.strip():
        faults.add(Fault("", "an empty line", "no empty lines between the others", number, 1))
    elif '"' not in text:
        return text.split(separator)
    else:
        try:
            return next(csv.reader([text], delimiter=separator, strict=True))
        except (csv.Error, StopIteration):
            faults.add(Fault("", quoted(text[text.index('"'):]), 'quotes around a whole cell, closed in the same line, a quote '
                             'inside them written twice ("")', number, text.index('"') + 1))
    return None


def _ragged(text: str, cells: list[str], number: int, wide: int, header: int, separator: str) -> Fault:
    fits = separator == COMMA and len(cells) > wide and DECIMAL_COMMA.search(text)
    hint = "; a decimal comma? write 0.5, or part the columns by semicolons" if fits else ""
    many = f"{len(cells)} cell{'' if len(cells) == 1 else 's'}"
    return Fault("", many, f"{wide}, as in the header in line {header}{hint}", number, 1)


def _columns(text: str, cells: list[str], separator: str) -> list[int]:
    """At which character each cell begins; with quotes in the line as near as can be."""
    found, at = [], 0
    for cell in cells:
        found.append(at + 1)
        there = text.find(separator, at + len(cell)) if '"' in text else at + len(cell)
        at = there + 1
    return found


def line_of(cells: Sequence[str]) -> str:
    """A line in the standard way, without its end: commas, quotes only where they must be."""
    return COMMA.join(QUOTE + cell.replace(QUOTE, QUOTE * 2) + QUOTE if QUOTED.search(cell) else cell for cell in cells)


def guarded(text: str) -> str:
    """A text that a spreadsheet cannot take for a formula."""
    return GUARD + text if is_formula(text) else text


def is_formula(text: str) -> bool:
    """Whether a spreadsheet may take it for one; behind guards too, so that taking one away is the same as never adding it."""
    return bool(FORMULA.match(text))


def unguarded(text: str) -> str:
    """The text that `guarded` was given."""
    return text[1:] if text.startswith(GUARD) and is_formula(text[1:]) else text
