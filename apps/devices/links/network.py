"""Network files as Scission has them: source,destination,ping(ms),bandwidth(mbps), a line a direction. No database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from apps.devices.links.numbers import BANDWIDTH_MBPS, LATENCY_MS, Range, read, written
from worker.profile.faults import Fault, Faults, quoted
from worker.profile.sheet import Row, guarded, line_of, sheet, unguarded

HEADER = ("source", "destination", "ping(ms)", "bandwidth(mbps)")
LARGEST, MOST_ROWS, LONGEST_NAME = 1_000_000, 5_000, 120
Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Direction:
    """One line: from which device to which, by their names, and its line in the file."""

    source: str
    target: str
    latency_ms: float
    bandwidth_mbps: float
    line: int


def written_network(links: Iterable[Any]) -> Iterator[bytes]:
    """The file of these links, line by line."""
    yield f"{','.join(HEADER)}\n".encode()
    for link in links:
        cells = (guarded(link.source.name), guarded(link.target.name), written(link.latency_ms), written(link.bandwidth_mbps))
        yield f"{line_of(cells)}\n".encode("utf-8", "replace")


def read_network(text: str, known: Mapping[str, Thing]) -> list[Direction]:
    """Every line, or Unfit with each fault by its line and column; `known` are the devices by name."""
    found, faults = sheet(text.removeprefix("\ufeff")), Faults()
    head = tuple(cell.lower() for cell in found.header.cells)
    if head != HEADER:
        faults.add(Fault("", quoted(",".join(found.header.cells)), f"the header {','.join(HEADER)}", found.header.line, 1))
    elif not found.rows:
        faults.add(Fault("", "no line below the header", "a line for each direction", found.header.line))
    elif len(found.rows) > MOST_ROWS:
        faults.add(Fault("", f"{len(found.rows):,} lines", f"at most {MOST_ROWS:,}", found.rows[MOST_ROWS].line))
    faults.check()
    directions = [each for row in found.rows if (each := _direction(row, known, faults))]
    _twice(directions, faults)
    faults.check()
    return directions


def _direction(row: Row, known: Mapping[str, Thing], faults: Faults) -> Direction | None:
    source, target = (_device(row, place, known, faults) for place in (0, 1))
    latency, bandwidth = _number(row, 2, LATENCY_MS, faults), _number(row, 3, BANDWIDTH_MBPS, faults)
    if source and source == target:
        faults.add(_fault(row, 1, "another device than the source"))
        return None
    if not source or not target or latency is None or bandwidth is None:
        return None
    return Direction(source, target, latency, bandwidth, row.line)


def _device(row: Row, place: int, known: Mapping[str, Thing], faults: Faults) -> str:
    name = unguarded(row.cells[place])
    if name in known:
        return name
    some = ", ".join(quoted(each) for each in sorted(known)[:8])
    faults.add(_fault(row, place, f"the name of a device of the team{f', as {some}' if some else '; it has none yet'}"))
    return ""


def _number(row: Row, place: int, within: Range, faults: Faults) -> float | None:
    found = read(row.cells[place], within)
    if found is None:
        faults.add(_fault(row, place, within.words))
    return found


def _fault(row: Row, place: int, allowed: str) -> Fault:
    return Fault(HEADER[place], quoted(row.cells[place]), allowed, row.line, row.columns[place])


def _twice(directions: list[Direction], faults: Faults) -> None:
    seen: dict[tuple[str, str], int] = {}
    for each in directions:
        first = seen.setdefault((each.source, each.target), each.line)
        if first != each.line:
            faults.add(Fault("", f"{quoted(each.source)} to {quoted(each.target)} again", f"each direction once; it stands in "
                             f"line {first} already", each.line, 1))
