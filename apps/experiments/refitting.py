"""What an open form could say instead, so that it fits the recordings that were chosen in it."""

from __future__ import annotations

from apps.experiments.choices import ThingField
from apps.experiments.forms import RecipeForm
from worker.params import Refit


def offer(form: RecipeForm) -> Refit:
    """Nothing where it fits, where none are chosen, and of recipes that take none."""
    name = next((name for name, kind in form.recipe.params.references().items() if kind == "recordings"), "")
    field = form.fields.get(name)
    chosen = field.found(form[name].value()) if isinstance(field, ThingField) else None
    if chosen is None:
        return Refit()
    values = {each: form[each].value() for each in form.recipe.params.model_fields if each in form.fields}
    told = chosen.recorded
    return form.recipe.params.refitted(values, sorted(told["detectors"]), fps=told["fps"], has_truth=told["truth"] is not None)
