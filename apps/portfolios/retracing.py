"""From a row of a portfolio to a run through the same trace: the form filled in with what that run came out with.

Load and deadline that are left to the recipe fit the networks as they are profiled, anew in each run; two rows would then be of
different traces.
"""

from __future__ import annotations

from typing import Any

from apps.experiments.models import Run
from apps.portfolios.launching import Rehearsal, address
from apps.portfolios.run_time import RECIPE
from apps.portfolios.served import positive
from worker import menu

KEPT = ("trace", "lines", "seconds", "burst", "slower", "seed")
# Longer lines do not fit an address.
LONGEST_LINES = 1000


def again(begun: Rehearsal | None, run: Run) -> str:
    """The form's address for the portfolio's networks and the trace, device and data of a run; nothing where there is none.
    All else is that run's too, unless it had more networks than are begun with: they would stay in the form."""
    recipe = menu.find(RECIPE)
    if begun is None or not begun.address or recipe is None:
        return ""
    models = [name for name, kind in recipe.params.references().items() if kind == "model"]
    kept = {"from": str(run.pk)}
    if any(run.params.get(name) for name in models if name not in begun.filled):
        kept = {name: str(run.params[name]) for name in KEPT if name in run.params}
    if len(kept.get("lines", "")) > LONGEST_LINES:
        return ""
    return address({**begun.filled, **kept, **_came_out(run, recipe.params), **_things(run)})


def _things(run: Run) -> dict[str, str]:
    """Where it was served, and of which data."""
    every = {name: run.inputs.get(name) for name in ("device", "dataset")}
    return {name: str(given["id"]) for name, given in every.items() if isinstance(given, dict) and given.get("id")}


def _came_out(run: Run, params: Any) -> dict[str, str]:
    """Its load and its deadline, as typed or as they fitted."""
    values = {name: field.default for name, field in params.model_fields.items()} | run.params
    told = {name: found for name in ("arrivals_per_s", "deadline_ms") if (found := positive(run.summary.get(name)))}
    return {name: str(value) for name, value in params.typed(values, told).items() if value}
