"""What repeats a run as it went: its parameters with what was changed while it ran, without those that do not count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.experiments.models import Run
from apps.experiments.unused import counting
from apps.live.models import Event
from worker.events import Metric
from worker.params import Retraced
from worker.recipe import Recipe

# More changes than any field has lines for.
MOST_SAID = 2000


def again(run: Run, recipe: Recipe | None, in_force: Mapping[str, Any]) -> Retraced:
    """`in_force`: the parameters as they were last, in the order in which they are said."""
    if recipe is None:
        return Retraced(in_force)
    found = recipe.params.retraced(run.params, run.live_params, _said(run, recipe)) if run.live_params else Retraced(in_force)
    values = {**in_force, **found.values}
    return Retraced(counting(recipe.params, values, {**values, **run.inputs}), found.notes)


def _said(run: Run, recipe: Recipe) -> list[Metric]:
    """What the run said of when its changes counted."""
    if not (name := recipe.params.tells_changes_by):
        return []
    said = Event.objects.filter(stream=run.stream_id, type="metric", body__name=name).order_by("seq")
    return [Metric.model_validate(body) for body in said.values_list("body", flat=True)[:MOST_SAID]]
