"""A profile as a page shows it: a row a block, and what the bars and the link with the graph need. No database.

Runs and devices draw their blocks with the same partial (`devices/_blocks.html`) and the same script (`static/js/blocks.js`);
`shown` makes the context of both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from django.core.paginator import Paginator

from worker.profile import Block, NetworkProfile

ROWS_A_PAGE = 250
MS = 1e3
# column: its word, and what it is sorted by
COLUMNS = {"block": "block", "layers": "layers", "ms": "time", "share": "share", "cumulative": "until here",
           "output": "output", "macs": "MACs", "speed": "MACs/s"}
TEXTS = ("block", "layers", "cumulative")  # these rise at the first click, numbers fall


class Row(NamedTuple):
    """A block in the table; `number` is its place in the network, from 1."""

    number: int
    first: str
    last: str
    ms: float
    low_ms: float | None
    high_ms: float | None
    share: float
    cumulative_ms: float
    output_bytes: int
    macs: int | None
    macs_per_s: float | None

    @property
    def label(self) -> str:
        return self.first if self.first == self.last else f"{self.first} … {self.last}"


def rows_of(profile: NetworkProfile) -> list[Row]:
    """In the order of the network."""
    total = profile.total_s
    sums = accumulate(block.seconds for block in profile.blocks)
    return [_row(number, block, total, so_far) for number, (block, so_far) in
            enumerate(zip(profile.blocks, sums, strict=True), 1)]


def _row(number: int, block: Block, total_s: float, so_far_s: float) -> Row:
    return Row(number, block.first, block.last, block.seconds * MS, _ms(block.low_s), _ms(block.high_s),
               block.seconds / total_s if total_s else 0.0, so_far_s * MS, block.output_bytes, block.macs,
               block.macs / block.seconds if block.macs and block.seconds else None)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * MS


SORTED_BY: Mapping[str, Any] = {
    "block": lambda row: row.number, "layers": lambda row: row.first, "ms": lambda row: row.ms, "share": lambda row: row.ms,
    "cumulative": lambda row: row.number, "output": lambda row: row.output_bytes, "macs": lambda row: row.macs or 0,
    "speed": lambda row: row.macs_per_s or 0.0,
}


def how(profile: NetworkProfile) -> str:
    """`onnxruntime · 1 thread · batch 1`: what the times depend on besides the device."""
    threads = "" if profile.threads is None else f"{profile.threads} thread{'' if profile.threads == 1 else 's'}"
    return " · ".join(part for part in (profile.engine, threads, f"batch {profile.batch}") if part)


def shown(profile: NetworkProfile, asked: Mapping[str, str], *, device: str, place: int = 0, graph: str = "") -> dict[str, Any]:
    """The context of `devices/_blocks.html`. `asked`: the address (sort, down, page, block); `place`: the device's colour;
    `graph`: the address of the drawn network, where there is one."""
    sort, down = asked.get("sort", ""), "down" in asked
    sort = sort if sort in COLUMNS else ""
    rows = rows_of(profile)
    if sort:
        rows.sort(key=SORTED_BY[sort], reverse=down)
    return {"blocks": {
        "profile": profile, "how": how(profile), "device": device, "graph": graph, "total_ms": profile.total_s * MS,
        "whole_ms": _ms(profile.whole_s), "page": Paginator(rows, ROWS_A_PAGE).get_page(asked.get("page")),
        "columns": _columns(profile, sort, down=down), "has_macs": _has_macs(profile), "chosen": _chosen(asked, len(rows)),
        "config": config([(device, place, profile)]) | {"graph": graph}}}


def _has_macs(profile: NetworkProfile) -> bool:
    return any(block.macs is not None for block in profile.blocks)


def _chosen(asked: Mapping[str, str], most: int) -> int:
    text = asked.get("block", "")
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
    return number if number <= most else 0


def _columns(profile: NetworkProfile, sort: str, *, down: bool) -> list[dict[str, str]]:
    """The heads: numbers fall first, texts rise first, the third click is the network's own order."""
    found = []
    for name, word in COLUMNS.items():
        if name in ("macs", "speed") and not _has_macs(profile):
            continue
        first, second = ("", "on") if name in TEXTS else ("on", "")
        chosen, now = sort == name, "on" if down else ""
        back = chosen and now == second
        found.append({"name": name, "word": word, "sort": "" if back else name,
                      "down": "" if back else second if chosen else first,
                      "order": "" if not chosen else "descending" if down else "ascending"})
    return found


def config(profiles: Sequence[tuple[str, int, NetworkProfile]]) -> dict[str, Any]:
    """What the script draws: for each device its bars, with its colour and where its numbers are from."""
    chart = {"kind": "bars", "title": "Time of each block", "y": ["block_ms"], "x": "block", "by": "device",
             "x_title": "block, as numbered in the table", "y_title": "time, ms"}
    return {"charts": [chart], "recipe": "", "title": "blocks", "order": [name for name, _, _ in profiles],
            "places": {name: place for name, place, _ in profiles},
            "origins": {name: profile.origin for name, _, profile in profiles},
            "spans": [[block.first, block.last] for block in profiles[0][2].blocks] if profiles else [],
            "bars": {name: [[_short(block.seconds), _short(block.low_s), _short(block.high_s)] for block in profile.blocks]
                     for name, _, profile in profiles}}


def _short(seconds: float | None) -> float | None:
    """In ms, with as many digits as a bar can show."""
    return None if seconds is None else float(f"{seconds * MS:.5g}")
