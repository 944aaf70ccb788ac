"""Devices side by side: which profile speaks for each, whether they are like with like, what can be said. No database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, NamedTuple
from uuid import UUID

from worker.profile import NetworkProfile

MS = 1e3
# What must be the same for two times to be compared, and how a sentence says that it is not.
ALIKE = {"engine": "by different engines", "threads": "with different numbers of threads", "batch": "with different batches",
         "sha256": "of different files of the network"}
NOT_SAID = "not said"


class Known(NamedTuple):
    """A profile as the list of them knows it, without its blocks; `like`: what must be the same, in the order of ALIKE."""

    pk: UUID
    device: UUID
    origin: str
    like: tuple[Any, ...]


@dataclass(frozen=True)
class Column:
    """One device with the profile that speaks for it."""

    device: Any
    name: str
    place: int
    pk: UUID
    profile: NetworkProfile

    @property
    def total_ms(self) -> float:
        return self.profile.total_s * MS

    @property
    def whole_ms(self) -> float | None:
        return None if self.profile.whole_s is None else self.profile.whole_s * MS


def speaking(known: Sequence[Known], devices: Sequence[UUID], like: Known | None = None) -> list[Known]:
    """For each device one profile: like the first one's before others, measured before predicted, new before old.

    `known`: the newest first; `like`: the one that the others shall be like, which speaks for its own device.
    """
    found: list[Known] = []
    leader = like
    for device in devices:
        mine = [each for each in known if each.device == device]
        if like and device == like.device:
            found.append(like)
            continue
        chosen = max(mine, key=lambda each: (bool(leader and each.like == leader.like), each.origin == "measured"), default=None)
        if chosen:
            leader = leader or chosen
            found.append(chosen)
    return found


def unlike(columns: Sequence[Column]) -> list[str]:
    """Why these times are not like with like: a sentence for each thing that differs, with what each device has."""
    said = []
    for name, how in ALIKE.items():
        values = {column.name: _said(getattr(column.profile, name)) for column in columns}
        known = {value for value in values.values() if value != NOT_SAID}
        if len(known) > 1:
            each = "; ".join(f"{device}: {value}" for device, value in values.items())
            said.append(f"These times were taken {how}: {each}.")
        elif known and NOT_SAID in values.values():
            silent = ", ".join(device for device, value in values.items() if value == NOT_SAID)
            said.append(f"Whether these times were taken {how} is not known: {silent} did not say.")
    others = [f"{column.name} ({column.profile.origin})" for column in columns if column.profile.origin != "measured"]
    return said + ([f"Not everything here was measured: {', '.join(others)}."] if others else [])


def _said(value: Any) -> str:
    return NOT_SAID if value in (None, "") else str(value)[:12]


def disturbed(columns: Sequence[Column]) -> str:
    """Whose times are noisy; that may be so of times that are like with like."""
    noisy = [column.name for column in columns if column.profile.noisy]
    return f"Other work disturbed the times of {', '.join(noisy)}: they are not to be built on." if noisy else ""


def cut_otherwise(columns: Sequence[Column]) -> str:
    """Why the blocks cannot be held against each other one by one; nothing where all devices have the same blocks."""
    first = columns[0]
    for other in columns[1:]:
        pairs = zip_longest(_ends(first), _ends(other))
        place = next((place for place, (one, two) in enumerate(pairs, 1) if one != two), None)
        if place:
            return (f"{first.name} has {len(first.profile.blocks)} blocks and {other.name} {len(other.profile.blocks)}; "
                    f"the first that differs is block {place}: {_span(first, place)} on {first.name}, "
                    f"{_span(other, place)} on {other.name}.")
    return ""


def _ends(column: Column) -> list[tuple[str, str]]:
    return [(block.first, block.last) for block in column.profile.blocks]


def _span(column: Column, place: int) -> str:
    ends = _ends(column)
    if place > len(ends):
        return "none"
    first, last = ends[place - 1]
    return first if first == last else f"{first} … {last}"


def by_whole(columns: Sequence[Column]) -> bool:
    """Whether devices are held against each other by the network timed in one piece: where that is known of all of them."""
    return all(column.whole_ms is not None for column in columns)


class Total(NamedTuple):
    """What a device takes for the whole network, and the sum of its blocks; `times`: as many times as long as the reference."""

    column: Column
    ms: float
    whole_ms: float | None
    times: float | None
    is_reference: bool


def totals(columns: Sequence[Column], reference: Column) -> list[Total]:
    whole = by_whole([*columns, reference])
    spent = {id(each): float((each.whole_ms if whole else each.total_ms) or 0.0) for each in (*columns, reference)}
    base = spent[id(reference)]
    return [Total(column, column.total_ms, column.whole_ms, spent[id(column)] / base if base else None, column is reference)
            for column in columns]


class Cell(NamedTuple):
    ms: float
    low_ms: float | None
    high_ms: float | None
    times: float | None
    origin: str
    is_reference: bool


class Line(NamedTuple):
    """One block on every device."""

    number: int
    label: str
    output_bytes: int
    cells: list[Cell]


def lines(columns: Sequence[Column], reference: Column) -> list[Line]:
    """Block by block, for devices with the same blocks."""
    found = []
    for number, (of_reference, *beside) in enumerate(zip(reference.profile.blocks, *(column.profile.blocks for column in columns),
                                                         strict=True), 1):
        cells = [Cell(block.seconds * MS, None if block.low_s is None else block.low_s * MS,
                      None if block.high_s is None else block.high_s * MS,
                      block.seconds / of_reference.seconds if of_reference.seconds else None, column.profile.origin,
                      column is reference)
                 for column, block in zip(columns, beside, strict=True)]
        found.append(Line(number, _span(reference, number), of_reference.output_bytes, cells))
    return found
