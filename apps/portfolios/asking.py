"""What a criterion asks for: read from what was typed, and told in words."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from django.db import models

from apps.accounts.refusal import Refused
from apps.accounts.words import plain
from apps.devices.models import Device
from apps.portfolios.lineage import measurements_of
from apps.portfolios.metrics import KNOWN, Metric, metric
from apps.portfolios.models import Comparison, Criterion, Portfolio

LARGEST = 1e18
# Commas between groups of three, as our own pages write them; else one comma or point before the decimals.
GROUPED = re.compile(r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")
PLAIN = re.compile(r"[+-]?([0-9]+([.,][0-9]*)?|[.,][0-9]+)([eE][+-]?[0-9]{1,4})?")


def metrics_of(portfolio: Portfolio) -> dict[str, Metric]:
    """What may be asked for: the metrics of the house, and whatever else was measured of these variants."""
    rows = measurements_of(portfolio).order_by("metric").values_list("metric", "unit").distinct()[:200]
    return {**{name: metric(name, unit) for name, unit in rows}, **KNOWN}


def devices_of(portfolio: Portfolio) -> list[str]:
    """The team's devices, and those that measurements of these variants name."""
    registered = Device.objects.usable_by(portfolio.team_id).filter(retired=False).values_list("name", flat=True)[:200]
    return sorted({*registered, *_named(portfolio, "device")})


def datasets_of(portfolio: Portfolio) -> list[str]:
    return sorted(_named(portfolio, "dataset"))


def asked(portfolio: Portfolio, values: Mapping[str, object]) -> dict[str, Any]:
    """The fields of a criterion, its bound turned into the unit that measurements have; Refused says what is wrong."""
    known = metrics_of(portfolio)
    chosen = known.get(str(values.get("metric", "")))
    if chosen is None:
        raise Refused({"metric": f"Choose one of {', '.join(known)}."})
    errors: dict[str, str] = {}
    found = {
        "metric": chosen.name, "unit": chosen.stored, "bound": _bound(chosen, values, errors),
        "comparison": _comparison(values, errors),
        "device": _place("device", values, errors) if chosen.depends in ("device", "both") else "",
        "dataset": _place("dataset", values, errors) if chosen.depends in ("dataset", "both") else "",
    }
    if errors:
        raise Refused(errors)
    return found


def told(criterion: Criterion) -> str:
    """`latency p50 at most 5 ms on jetson`."""
    meant = metric(criterion.metric, criterion.unit)
    where = f" on {criterion.device}" if criterion.device else ""
    data = f" on {criterion.dataset}" if criterion.dataset else ""
    return f"{meant.words} {Comparison(criterion.comparison).label} {typed(criterion):,.10g} {meant.unit}{data}{where}"


def typed(criterion: Criterion) -> float:
    """The bound in the unit that people type, without the dust of dividing."""
    return float(f"{criterion.bound / metric(criterion.metric, criterion.unit).scale:.12g}")


def _bound(chosen: Metric, values: Mapping[str, object], errors: dict[str, str]) -> float:
    """A number, in the unit people read; `unit` may say that it is in the unit of the measurements."""
    scale = 1.0 if values.get("unit") == chosen.stored else chosen.scale
    number = _number(str(values.get("bound", "")).strip())
    if not (math.isfinite(number) and 0 <= number * scale <= LARGEST):
        errors["bound"] = f"A number from 0, in {chosen.unit or 'its unit'}."
    elif chosen.name == "accuracy" and number * scale > 1:
        errors["bound"] = f"An accuracy is at most 100 %; got {number:g}."
    return float(f"{number * scale:.12g}")


def _number(text: str) -> float:
    """What was typed as a number: `2.5`, `2,5` and `1,000,000` as our pages write it; NaN for anything else."""
    if GROUPED.fullmatch(text):
        return float(text.replace(",", ""))
    return float(text.replace(",", ".")) if PLAIN.fullmatch(text) else math.nan


def _comparison(values: Mapping[str, object], errors: dict[str, str]) -> str:
    word = str(values.get("comparison", ""))
    if word not in Comparison.values:
        errors["comparison"] = "Choose at most or at least."
    return word


def _place(field: str, values: Mapping[str, object], errors: dict[str, str]) -> str:
    return plain(field, values.get(field) or "", 120, errors, needed=False)


def _named(portfolio: Portfolio, field: str) -> set[str]:
    rows: models.QuerySet[Any] = measurements_of(portfolio).exclude(**{field: ""})
    return set(rows.order_by(field).values_list(field, flat=True).distinct()[:200])
