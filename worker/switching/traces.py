"""What a serving device goes through, second by second: requests, their deadline, free memory, the network, heat.

A trace is generated, by its seed, or read from lines of CSV. What it says of memory, the network and heat is emulated where it is
driven: nobody takes the memory away, and no device gets warm.
"""

from __future__ import annotations

import csv
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from worker.wording import counted, figures

Kind = Literal["steady", "burst", "diurnal", "thermal", "lines"]
COLUMNS = ("arrivals_per_s", "deadline_ms", "free_mb", "network_mbps", "slower")
NEEDED = COLUMNS[:2]
MOST_SECONDS, MOST_ARRIVALS, MOST_REQUESTS, MOST_SLOWER = 3600, 5000.0, 1_000_000, 100.0
MOST_WRONG = 5
NOTHING = f"A trace has a header, such as '{', '.join(COLUMNS)}', and a line for each second; got nothing."
# Of a day that is squeezed into the trace: its quietest hour has so much of the load of its busiest.
NIGHT = 0.1


@dataclass(frozen=True)
class Second:
    """`free_mb`: what the rest of the machine leaves to the network that serves. `network_mbps`: over it a request's image comes,
    which takes its time off the deadline. None: nothing is said of it. `slower`: each computation takes so many times as long."""

    arrivals_per_s: float
    deadline_ms: float
    free_mb: float | None = None
    network_mbps: float | None = None
    slower: float = 1.0

    def within_ms(self, image_bytes: int) -> float:
        """What is left of the deadline when the request's image is here."""
        carried_ms = 8 * image_bytes / (1e3 * self.network_mbps) if self.network_mbps else 0.0
        return max(0.0, self.deadline_ms - carried_ms)


@dataclass(frozen=True)
class Shape:
    """A generator's terms. `burst`: how many times as many requests come in a burst."""

    seconds: int
    arrivals_per_s: float
    deadline_ms: float
    burst: float = 4.0
    slower: float = 3.0


def steady(shape: Shape, seed: int) -> list[Second]:
    return [Second(shape.arrivals_per_s, shape.deadline_ms)] * shape.seconds


def burst(shape: Shape, seed: int) -> list[Second]:
    """Bursts of a twelfth to a sixth of the trace, at moments that the seed draws, one in each third of it."""
    chance, rows = random.Random(seed), steady(shape, seed)
    third = shape.seconds / 3
    for number in range(3):
        length = chance.uniform(shape.seconds / 12, shape.seconds / 6)
        begin = number * third + chance.uniform(0, third - length)
        for second in range(round(begin), min(shape.seconds, max(round(begin) + 1, round(begin + length)))):
            rows[second] = replace(rows[second], arrivals_per_s=shape.arrivals_per_s * shape.burst)
    return rows


def diurnal(shape: Shape, seed: int) -> list[Second]:
    """A day: a tenth of the load at its ends, `burst` times the load in the middle."""
    top, rows = shape.arrivals_per_s * shape.burst, []
    for second in range(shape.seconds):
        height = 0.5 - 0.5 * math.cos(2 * math.pi * (second + 0.5) / shape.seconds)
        rows.append(Second(max(NIGHT * shape.arrivals_per_s, top * height), shape.deadline_ms))
    return rows


def thermal(shape: Shape, seed: int) -> list[Second]:
    """The device gets warm from a third of the trace on, and is so many times as slow for the last third but one tenth."""
    rows = []
    for second in range(shape.seconds):
        share = second / shape.seconds
        heat = min(1.0, max(0.0, 3 * share - 1)) if share < 0.9 else 0.0
        rows.append(Second(shape.arrivals_per_s, shape.deadline_ms, slower=1 + (shape.slower - 1) * heat))
    return rows


GENERATORS: dict[str, Callable[[Shape, int], list[Second]]] = {
    "steady": steady, "burst": burst, "diurnal": diurnal, "thermal": thermal}


def at_rest(kind: str, shape: Shape, seed: int, mean: float) -> float:
    """The load in requests/s of such a trace at rest, where its mean over all seconds is `mean`: all of a trace goes with it."""
    rows = GENERATORS[kind](replace(shape, arrivals_per_s=1.0), seed)
    found = float(f"{mean * len(rows) / sum(row.arrivals_per_s for row in rows):.10g}")
    return min(found, min(MOST_ARRIVALS, MOST_REQUESTS / shape.seconds) / shape.burst)


def read(text: str) -> list[Second]:
    """Lines of CSV with a header, or the same with `;` between the lines. ValueError with a sentence for each bad line."""
    # Numbered as they stand there: empty ones are passed over, and counted.
    there = enumerate(text.replace(";", "\n").splitlines(), 1)
    lines = [(number, said) for number, line in there if (said := line.strip())]
    if not lines:
        raise ValueError(NOTHING)
    names = [name.strip() for name in lines[0][1].split(",")]
    _refuse_header(names, lines[0][0])
    if len(lines) - 1 > MOST_SECONDS:
        raise ValueError(f"A trace has at most {MOST_SECONDS:,} seconds; got {len(lines) - 1:,}.")
    rows, wrong = list[Second](), list[str]()
    for number, line in lines[1:]:
        try:
            rows.append(_second(names, next(csv.reader([line], skipinitialspace=True))))
        except ValueError as error:
            wrong.append(f"Line {number}: {error}")
    if wrong:
        more = f" And {counted(len(wrong) - MOST_WRONG, 'line')} more." if len(wrong) > MOST_WRONG else ""
        raise ValueError(" ".join(wrong[:MOST_WRONG]) + more)
    if not rows:
        raise ValueError("Under the header of a trace stands a line for each second; got none.")
    return rows


def written(rows: Sequence[Second]) -> str:
    """The same as `read` takes."""
    lines = [",".join(COLUMNS)]
    lines += [",".join("" if (value := getattr(row, name)) is None else f"{value:.6g}" for name in COLUMNS) for row in rows]
    return "\n".join(lines)


def arrivals(rows: Sequence[Second], seed: int) -> list[float]:
    """When each request comes, in seconds from the beginning: independent of each other, as often as the trace says."""
    chance, moments = random.Random(f"arrivals {seed}"), list[float]()
    for second, row in enumerate(rows):
        at = chance.expovariate(row.arrivals_per_s) if row.arrivals_per_s > 0 else 1.0
        while at < 1.0:
            moments.append(second + at)
            at += chance.expovariate(row.arrivals_per_s)
    return moments


def _refuse_header(names: Sequence[str], number: int) -> None:
    unknown = [name for name in names if name not in COLUMNS]
    missing = [name for name in NEEDED if name not in names]
    if unknown or missing or len(set(names)) < len(names):
        raise ValueError(f"Line {number}: a trace's header names columns of {', '.join(COLUMNS)}, each once, the first two "
                         f"always; got {', '.join(names)[:200]!r}.")


def _second(names: Sequence[str], cells: Sequence[str]) -> Second:
    if len(cells) != len(names):
        raise ValueError(f"{len(names)} values are needed, as the header has them; got {len(cells)}.")
    found = {name: _number(name, cell) for name, cell in zip(names, cells, strict=True) if cell.strip()}
    for name in NEEDED:
        if name not in found:
            raise ValueError(f"{name} is needed; got nothing.")
    return Second(**found)


# Of each column the least and the most, and whether the least itself is allowed.
BOUNDS = {"arrivals_per_s": (0.0, MOST_ARRIVALS, True), "deadline_ms": (0.0, 3_600_000.0, False), "free_mb": (0.0, 1e9, True),
          "network_mbps": (0.0, 1e6, False), "slower": (1.0, MOST_SLOWER, True)}


def _number(name: str, cell: str) -> float:
    least, most, inclusive = BOUNDS[name]
    try:
        found = float(cell)
    except ValueError:
        found = math.nan
    if not (least <= found <= most) or (found == least and not inclusive):
        floor = f"{'at least' if inclusive else 'more than'} {figures(least)}"
        raise ValueError(f"{name} is a number, {floor} and at most {most:,.0f}; got {cell.strip()[:40]!r}.")
    return found
