"""What stands under *At run time* as plain data: for the evidence that is taken along, and for the API.

Of every finished run that can stand there, each with its number: the page shows one of each device and residency at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from apps.accounts.models import User
from apps.experiments import switched
from apps.portfolios.detectors import Watched, watched
from apps.portfolios.models import Entry, Portfolio
from apps.portfolios.run_time import rehearsals
from apps.portfolios.served import Served
from apps.portfolios.strips import Band
from apps.portfolios.targets import Targets, targets

TIMES = "times"


def rehearsed(user: User, portfolio: Portfolio, entries: Sequence[Entry]) -> dict[str, Any]:
    """The newest run first. A handful of queries, however many runs."""
    groups = watched(user, portfolio, entries, set())
    every = [Watched(run, each.named) for each in groups for run in (each.run, *each.others)]
    return {"switching": [_switched(row) for row in rehearsals(user, portfolio, entries)],
            "detectors": [_watched(each) for each in sorted(every, key=lambda each: -each.run.number)]}


def _switched(row: Served) -> dict[str, Any]:
    held = {name: str(row.entries[place].variant_id) for name, place in row.networks.items()}
    return {"run": str(row.run.pk), "run_number": row.run.number, "device": row.device, "residency": row.residency,
            "trace": row.trace, "noisy": row.is_noisy,
            "networks": [{"name": name, "variant": held.get(name)} for name in (*held, *row.strangers)],
            "targets": [_targets(each, held) for each in targets(row.told)],
            "measured": {name: row.number.get(name) for name in switched.NUMBERS}}


def _targets(each: Targets, held: Mapping[str, str]) -> dict[str, Any]:
    """In the unit that people know; in times of what is so now where the run did not say what that is."""
    return {"over": each.over, "origin": "predicted", "unit": each.unit if each.now else TIMES, "now": each.now,
            "bands": _bands(each.bands, each.now or 1.0, held)}


def _watched(each: Watched) -> dict[str, Any]:
    told = [{"over": "load", "origin": each.origin, "unit": TIMES, "now": None, "bands": _bands(each.bands, 1.0, {})}]
    return {"run": str(each.run.pk), "run_number": each.run.number, "named": list(each.named), "film": each.film,
            "targets": told if each.bands else []}


def _bands(bands: Sequence[Band], now: float, held: Mapping[str, str]) -> list[dict[str, Any]]:
    """`now`: one time of it, in the unit that is told."""
    return [{"low": _short(band.low * now), "high": _short(band.high * now), "name": band.name, "variant": held.get(band.name)}
            for band in bands]


def _short(value: float) -> float:
    return float(f"{value:.6g}")
