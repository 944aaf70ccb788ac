"""The board: criteria as rows, variants as columns, and in every cell the measurement that decides it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet
from django.db.models.fields.json import KeyTextTransform, KeyTransform

from apps.catalog.models import Variant
from apps.experiments.models import Measurement
from apps.portfolios.asking import told, typed
from apps.portfolios.judging import Evidence, Judged, Rule, judge
from apps.portfolios.lineage import copies, evidence_of
from apps.portfolios.metrics import FACTS, Metric, metric
from apps.portfolios.models import Criterion, Entry, Portfolio

# Of what was measured more than once in the same way, the newest counts.
WAY = ("variant_id", "given", "metric", "device", "dataset", "split", "engine", "origin", "batch")
COLUMNS = (*WAY, "value", "unit", "low", "high", "n", "threads", "created", "run_id", "number", "samples_id",
           "noisy")
WORDS = {"pass": "passes", "fail": "fails", "unmeasured": "is not measured", "predicted": "is only predicted",
         "emulated": "is only emulated"}


@dataclass(frozen=True)
class Cell:
    """One criterion for one variant."""

    row: Row
    entry: Entry
    judged: Judged
    newer: Judged | None = None  # of an approved portfolio: what a later measurement says

    @property
    def key(self) -> str:
        return f"{self.row.criterion.pk}-{self.entry.variant_id}"

    @property
    def words(self) -> str:
        return WORDS[self.judged.verdict]

    @property
    def shown(self) -> Shown | None:
        return Shown(self.row.metric, self.judged.evidence) if self.judged.evidence else None

    @property
    def newer_shown(self) -> Shown | None:
        return Shown(self.row.metric, self.newer.evidence) if self.newer and self.newer.evidence else None

    @property
    def newer_words(self) -> str:
        return WORDS[self.newer.verdict] if self.newer else ""

    @property
    def exact(self) -> str:
        """The number with all its digits, where the few that are shown could stand on the other side of the bound."""
        if not self.shown:
            return ""
        value, bound = self.shown.value, typed(self.row.criterion)
        near = 0.05 if self.row.metric.unit == "%" else 0.005 * abs(bound)
        return f"{value:,.10g}" if value != bound and abs(value - bound) <= near else ""


@dataclass(frozen=True)
class Shown:
    """A number and its interval in the unit that people read."""

    metric: Metric
    evidence: Evidence

    @property
    def value(self) -> float:
        return self.evidence.value / self.metric.scale

    @property
    def low(self) -> float | None:
        return None if self.evidence.low is None else self.evidence.low / self.metric.scale

    @property
    def high(self) -> float | None:
        return None if self.evidence.high is None else self.evidence.high / self.metric.scale


@dataclass(frozen=True)
class Row:
    """One criterion with its cells, one a variant."""

    criterion: Criterion
    metric: Metric
    told: str
    cells: list[Cell] = field(default_factory=list)


@dataclass(frozen=True)
class Board:
    portfolio: Portfolio
    entries: list[Entry]
    rows: list[Row]

    @property
    def cells(self) -> list[Cell]:
        return [cell for row in self.rows for cell in row.cells]

    @property
    def unmet(self) -> list[Cell]:
        return [cell for cell in self.cells if not cell.judged.passes]

    @property
    def summary(self) -> str:
        """`6 pass, 4 of them within the noise`, `2 of 6 cells do not pass`."""
        count, bad = len(self.cells), len(self.unmet)
        noise = sum(cell.judged.passes and cell.judged.is_noise for cell in self.cells)
        if bad:
            said = f"{bad} of {count} cell{'s' if count > 1 else ''} {'do' if bad > 1 else 'does'} not pass"
            return f"{said}; of those that pass, {noise} within the noise" if noise else said
        if noise:
            part = "" if count == 1 else "all of them " if noise == count else f"{noise} of them "
            return f"{count} {'passes' if count == 1 else 'pass'}, {part}within the noise"
        return f"all {count} cells pass" if count > 1 else "the one cell passes"

    def cell(self, key: str) -> Cell | None:
        return next((cell for cell in self.cells if cell.key == key), None)


def board_of(portfolio: Portfolio) -> Board:
    """Everything in five queries, however many cells there are."""
    entries = list(portfolio.entries.select_related("variant__model", "variant__file", "variant__onnx"))
    criteria = list(portfolio.criteria.all())
    known = _known(portfolio, [entry.variant for entry in entries], {each.metric for each in criteria})
    rows = [Row(each, metric(each.metric, each.unit), told(each)) for each in criteria]
    for row in rows:
        rule = Rule(row.criterion.metric, row.criterion.comparison, row.criterion.bound, row.criterion.device,
                    row.criterion.dataset)
        row.cells.extend(Cell(row, entry, judge(rule, known[entry.variant_id])) for entry in entries)
    return Board(portfolio, entries, rows)


def _known(portfolio: Portfolio, variants: list[Variant], metrics: set[str]) -> dict[UUID, list[Evidence]]:
    """What is known of each variant: the facts of its file, and the newest measurement of each kind."""
    known = {each.pk: list(_facts(each)) for each in variants}
    same = copies(list(known)) if metrics - set(FACTS) else {}
    for row in _measured(portfolio, same, metrics - set(FACTS)) if same else ():
        measured = row["variant_id"] or _id(row["given"])
        if measured in same:
            known[same[measured]].append(_evidence(row))
    return known


def _measured(portfolio: Portfolio, same: dict[UUID, UUID], metrics: set[str]) -> QuerySet[Measurement, dict[str, Any]]:
    rows = evidence_of(same).filter(team=portfolio.team_id, metric__in=metrics)
    rows = rows.annotate(given=KeyTextTransform("id", KeyTransform("model", "run__inputs")), number=F("run__number"))
    newest: QuerySet[Measurement, dict[str, Any]] = rows.order_by(*WAY, "-created").distinct(*WAY).values("id", *COLUMNS)
    return newest


def _facts(variant: Variant) -> Iterator[Evidence]:
    for name in FACTS:
        yield Evidence(name, float(getattr(variant, name)), metric(name).stored, "measured", variant.created)


def _evidence(row: dict[str, Any]) -> Evidence:
    same = ("metric", "value", "unit", "origin", "low", "high", "n", "device", "engine", "threads", "batch", "dataset", "split",
            "noisy")
    return Evidence(**{name: row[name] for name in same}, when=row["created"], id=str(row["id"]), run=str(row["run_id"]),
                    run_number=row["number"], samples=row["samples_id"] is not None)


def _id(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None


def facts_of(board: Board) -> dict[str, Any]:
    """The board as plain data: what a decision keeps of it, and what the evidence file says."""
    return {
        "portfolio": {"id": str(board.portfolio.pk), "name": board.portfolio.name,
                      "description": board.portfolio.description, "version": board.portfolio.version},
        "variants": [_variant(entry) for entry in board.entries],
        "criteria": [_criterion(row) for row in board.rows],
        "cells": [_cell(cell) for cell in board.cells],
    }


def _variant(entry: Entry) -> dict[str, Any]:
    variant = entry.variant
    return {"id": str(variant.pk), "name": variant.name, "model": str(variant.model), "precision": variant.precision,
            "sha256": variant.file_id, "onnx_sha256": variant.onnx_id, "note": entry.note,
            **{name: getattr(variant, name) for name in FACTS}}


def _criterion(row: Row) -> dict[str, Any]:
    each = row.criterion
    return {"id": each.pk, "told": row.told, "metric": each.metric, "comparison": each.comparison, "bound": each.bound,
            "unit": each.unit, "device": each.device or None, "dataset": each.dataset or None}


def _cell(cell: Cell) -> dict[str, Any]:
    made: dict[str, Any] = {"criterion": cell.row.criterion.pk, "variant": str(cell.entry.variant_id),
                            "verdict": cell.judged.verdict, "within_noise": cell.judged.is_noise, "measurement": None}
    each = cell.judged.evidence
    if each:
        names = ("value", "unit", "low", "high", "n", "origin", "device", "engine", "threads", "batch", "dataset", "split",
                 "run", "run_number")
        made |= {name: getattr(each, name) or None if name != "value" else each.value for name in names}
        made |= {"low": each.low, "high": each.high, "noisy": each.noisy, "measurement": each.id, "when": each.when.isoformat()}
    return made
