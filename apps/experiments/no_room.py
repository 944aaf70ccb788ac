"""Which of the recipes that a form would run is known to have no room in its memory budget, before anybody waits for it."""

from __future__ import annotations

from collections.abc import Sequence

from apps.catalog import rehearsals
from apps.catalog.models import Variant
from apps.experiments.studies import Part
from apps.live.asking import Silent
from worker.budgets import MB, MOST_BYTES, megabytes

BUDGET = "budget_mb"
TOLD = "{title} will fail: {why} Predicted, for SGD with momentum."


def said(parts: Sequence[Part], model: Variant | None) -> list[str]:
    """A sentence for each that will be refused; nothing of a network whose training nobody has rehearsed yet."""
    asked = [(part, size) for part in parts if (size := _bytes(part.values.get(BUDGET)))]
    needs = rehearsals.known(model) if model and asked else None
    return [TOLD.format(title=part.recipe.title, why=why) for part, size in asked if needs and (why := _why(part, needs, size))]


def _why(part: Part, needs: dict[str, object], size: int) -> str:
    try:
        way = rehearsals.fitted(needs, size).methods.get(part.recipe.name)
    except Silent:
        return ""
    return "" if way is None or way.fits or not way.why_not else way.why_not


def _bytes(typed: object) -> int:
    """0 for no budget, for several of them, and for what is none."""
    try:
        size = float(megabytes(str(typed))) * MB
    except ValueError:
        return 0
    return round(size) if 0 < size < MOST_BYTES else 0
