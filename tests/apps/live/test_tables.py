"""CSV: numbers stay numbers, text stays text, and however many rows take no more memory than a few."""

from __future__ import annotations

import asyncio
import csv
import datetime
import io
import tracemalloc
from typing import Any

import pytest

from apps.live.tables import Table, cell

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\u00a0=1", "  =1", "＝1", "－1", "＋1", "＠x"]


@pytest.mark.parametrize("text", FORMULAS)
def test_text_that_a_spreadsheet_would_run_begins_with_an_apostrophe(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize(("value", "shown"), [
    (-1.5, -1.5), (0, 0), (None, ""), (True, "yes"), ("a=b", "a=b"), ("", ""), (" ", " "),
    (datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC), "2026-01-02T00:00:00+00:00"),
])
def test_numbers_stay_numbers_and_plain_text_stays_plain(value: Any, shown: Any) -> None:
    assert cell(value) == shown


def test_commas_quotes_and_lines_come_back_as_they_were() -> None:
    row = ["a,b", 'say "so"', "two\nlines", 3]
    text = b"".join(Table("x", ["a", "b", "c", "d"], [row])).decode()
    assert list(csv.reader(io.StringIO(text)))[1] == [*map(str, row)]


def test_a_lone_surrogate_breaks_nothing() -> None:
    assert b"".join(Table("x", ["a"], [["\ud800"]])).endswith(b"?\r\n")


def test_its_name_is_plain_whatever_was_typed() -> None:
    assert Table('a"; filename=b\r\n/../ü', [], [])["Content-Disposition"] == 'attachment; filename="a-filename-b.csv"'


def test_a_hundred_thousand_rows_are_written_as_they_are_read() -> None:
    async def take() -> int:
        rows = (("accuracy", step, 0.5) for step in range(100_000))
        return sum([len(piece) async for piece in Table("x", ["name", "step", "value"], rows)])

    tracemalloc.start()
    assert asyncio.run(take()) > 1_700_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 700_000
