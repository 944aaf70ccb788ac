"""Tables that leave as CSV: written while they are read, in flat memory, and with nothing a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse

ROWS_A_PIECE = 500
# What makes a spreadsheet take text for a formula, in the forms that programs accept; full-width signs are among them.
DANGEROUS = "=+-@\t\r\n\u00a0\uff1d\uff0b\uff0d\uff20"


def cell(value: Any) -> Any:
    """A value as a cell: numbers stay numbers, nothing is empty, text that a spreadsheet would run begins with an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return value
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return f"'{text}" if text.lstrip(" ")[:1] in DANGEROUS and text.strip(" ") else text


def lines(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """The table in pieces of so many rows."""
    every = chain([head], rows)
    while piece := list(islice(every, ROWS_A_PIECE)):
        text = io.StringIO()
        csv.writer(text).writerows([cell(value) for value in row] for row in piece)
        yield text.getvalue().encode("utf-8", "replace")


class Table(StreamingHttpResponse):
    """A CSV download. ASGI takes its pieces one by one; Django's own would gather them all in memory first.

    Give it rows that are read as they are needed: `queryset.values_list(...).iterator(chunk_size=2000)`.
    """

    def __init__(self, name: str, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        super().__init__(lines(head, rows), content_type="text/csv; charset=utf-8",
                         headers={"X-Content-Type-Options": "nosniff"})
        self["Content-Disposition"] = f'attachment; filename="{_plain(name)}.csv"'

    async def __aiter__(self) -> AsyncIterator[bytes]:
        pieces: Iterator[bytes] = iter(self.streaming_content)  # type: ignore[arg-type]
        while piece := await sync_to_async(next)(pieces, b""):  # type: ignore[call-arg]
            yield piece


def _plain(name: str) -> str:
    """A file name of letters, digits and dashes, whatever was typed."""
    kept = "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in name.lower())
    return "-".join(part for part in kept.split("-") if part)[:80] or "table"
