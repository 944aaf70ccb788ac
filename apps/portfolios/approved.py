"""The board of an approved portfolio: what was approved stands, and what was measured since is said beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from apps.portfolios.board import Board, Cell, Row, board_of
from apps.portfolios.judging import Evidence, Judged, Rule, holds
from apps.portfolios.models import Decision, Portfolio, State, Verdict

SAME = ("value", "unit", "low", "high", "n", "threads", "batch", "run", "run_number")
WORDED = ("origin", "device", "engine", "dataset", "split")


def board_shown(portfolio: Portfolio) -> Board:
    """As it was approved while the approval holds; else as it is now."""
    found, decision = board_of(portfolio), approval_of(portfolio)
    if decision is None:
        return found
    kept = {(each["criterion"], each["variant"]): each for each in decision.board.get("cells", ())}
    rows = [replace(row, cells=[]) for row in found.rows]
    for row, live in zip(rows, found.rows, strict=True):
        row.cells.extend(_frozen(row, cell, kept.get((row.criterion.pk, str(cell.entry.variant_id)))) for cell in live.cells)
    return replace(found, rows=rows)


def approval_of(portfolio: Portfolio) -> Decision | None:
    """The approval that holds now."""
    if portfolio.state != State.APPROVED:
        return None
    found: Decision | None = portfolio.decisions.filter(verdict=Verdict.APPROVED, version=portfolio.version).last()
    return found


def _frozen(row: Row, live: Cell, kept: dict[str, Any] | None) -> Cell:
    if kept is None:
        return live
    evidence = _evidence(row, live, kept) if kept.get("value") is not None else None
    keeps = None
    if evidence:
        rule = Rule(row.criterion.metric, row.criterion.comparison, row.criterion.bound)
        keeps = holds(rule, evidence.value)
    judged = Judged(kept["verdict"], keeps, bool(kept.get("within_noise")), evidence)
    now = live.judged.evidence
    is_newer = now is not None and now.id is not None and now.id != kept.get("measurement")
    return Cell(row, live.entry, judged, live.judged if is_newer else None)


def _evidence(row: Row, live: Cell, kept: dict[str, Any]) -> Evidence:
    when = datetime.fromisoformat(kept["when"]) if kept.get("when") else live.entry.created
    said: dict[str, Any] = {name: kept.get(name) for name in SAME} | {name: kept.get(name) or "" for name in WORDED}
    return Evidence(metric=row.criterion.metric, when=when, id=kept.get("measurement"), noisy=bool(kept.get("noisy")), **said)
