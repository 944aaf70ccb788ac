"""The table behind a chart, read in one step: a chart that is drawn again meanwhile replaces it."""

from __future__ import annotations

from typing import Any


def cells(chart: Any) -> list[list[str]]:
    """Row by row, the heading first."""
    found: list[list[str]] = chart.locator(".data").evaluate(
        "table => [...table.querySelectorAll('tr')].map((row) => [...row.cells].map((cell) => cell.textContent))")
    return found
