"""Whether a device drifts: its yardstick now, beside what it was when the device was new here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet
from django.db.models.functions import JSONObject

from apps.devices.models import Baseline, Device

FIRST, LAST = 24, 3
FEWEST = FIRST // 4  # before so many readings nothing can be said
STEADY = 0.05
MOST_POINTS = 2000


@dataclass(frozen=True)
class Drift:
    """How much longer (or shorter) the same work takes now than at first."""

    first_ms: float
    now_ms: float
    is_noisy: bool

    @property
    def change(self) -> float:
        return self.now_ms / self.first_ms - 1

    @property
    def words(self) -> str:
        """`steady`, `12 % slower`, `8 % faster`."""
        if abs(self.change) < STEADY:
            return "steady"
        return f"{abs(self.change):.0%} {'slower' if self.change > 0 else 'faster'}".replace("%", "\u00a0%")


def drifts(devices: Sequence[UUID]) -> dict[UUID, Drift]:
    """By device, for those with enough readings: the first day's median beside that of the last three hours."""
    return {pk: _drift(first, last) for pk, first, last in ends(devices) if len(first) >= FEWEST}


def ends(devices: Sequence[UUID]) -> QuerySet[Device, tuple[UUID, list[Any], list[Any]]]:
    """Of each device its first readings and its last ones, by the index: the thousands between them are not read."""
    mine = Baseline.objects.filter(device=OuterRef("pk")).annotate(said=JSONObject(median_ms="median_ms", noisy="noisy"))
    first, last = mine.order_by("at")[:FIRST], mine.order_by("-at")[:LAST]
    return Device.objects.filter(pk__in=devices).order_by().values_list(
        "pk", ArraySubquery(first.values("said")), ArraySubquery(last.values("said")))


def _drift(first: list[Any], last: list[Any]) -> Drift:
    return Drift(_quiet(first), _quiet(last), all(row["noisy"] for row in last))


def _quiet(rows: list[Any]) -> float:
    """The median of the undisturbed readings, where there are some; else of all."""
    quiet: list[float] = [row["median_ms"] for row in rows if not row["noisy"]]
    return float(median(quiet or [row["median_ms"] for row in rows]))


def points(device: UUID) -> list[dict[str, Any]]:
    """The newest readings, oldest first, as the page's chart takes them."""
    rows = Baseline.objects.filter(device=device).order_by("-at")[:MOST_POINTS]
    return [{"type": "metric", "body": {"name": "yardstick_ms", "value": row.median_ms, "step": f"{row.at:%Y-%m-%d %H:%M:%S}",
                                        "labels": {}}} for row in reversed(rows)]
