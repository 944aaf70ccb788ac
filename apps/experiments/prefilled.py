"""What an address says for the form of a new run: the recipe's own fields, and the model and data of a planned network."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.db.models.fields.json import KeyTextTransform
from django.http import QueryDict

from apps.accounts.models import Team, User
from apps.catalog.models import IMAGES, RECORDINGS, Dataset, Variant
from apps.devices.models import Profile
from worker.params import REFERENCE_KINDS, Suited
from worker.recipe import Recipe

LONGEST, MOST_PROFILES = 2000, 50
NO_MODEL = ("The plan's block times are of a network that this team has no model of, as in the example: bring that network first "
            "(New model makes those of the house), or choose the model that the plan is for.")


def fields(query: QueryDict, recipe: Recipe) -> dict[str, str]:
    """Text, numbers and choices; things and switches have words of their own. Nothing is judged here: the form does."""
    names = [name for name, field in recipe.params.model_fields.items()
             if field.annotation is not bool and name not in (*recipe.params.references(), *REFERENCE_KINDS)]
    return {name: text for name in names if (text := str(query.get(name, "")).replace("\x00", "")[:LONGEST])}


def things(user: User, team: Team | None, recipe: Recipe, network: str, model: str = "") -> dict[str, Any]:
    """The model that is named, else the one whose profiles are called so, where the team still has it, and the data set that
    fits it where only one does."""
    references = recipe.params.references()
    variant = _variant(user, team, network.replace("\x00", "")[:120], model) if "model" in references else None
    if variant is None:
        return {}
    data = only_fitting(user, team, variant) if "dataset" in references else ""
    return {"model": str(variant.pk), **({"dataset": data} if data else {})}


def only_fitting(user: User, team: Team | None, variant: Variant) -> str:
    """The one data set of the team that a network takes; nothing where it has several of them, or none."""
    fitting = Dataset.objects.visible_to(user).filter(IMAGES, team=team, in_shape=variant.model.in_shape,
                                                      classes=variant.model.classes)
    data = list(fitting.values_list("pk", flat=True)[:2])
    return str(data[0]) if len(data) == 1 else ""


def suited(user: User, team: Team | None, recipe: Recipe, recordings: str) -> Suited:
    """What the recipe says to the recordings that are named; nothing where the team has no such."""
    mine = Dataset.objects.visible_to(user).filter(RECORDINGS, team=team)
    found = mine.filter(pk=recordings).first() if recordings and "recordings" in recipe.params.references() else None
    if found is None:
        return Suited()
    told = found.recorded
    return recipe.params.suited(sorted(told["detectors"]), fps=told["fps"], has_truth=told["truth"] is not None)


def _variant(user: User, team: Team | None, network: str, model: str) -> Variant | None:
    mine = Variant.objects.visible_to(user).filter(team=team, precision="fp32").select_related("model")
    told = Profile.objects.visible_to(user).filter(team=team, network=network).order_by("-created")
    rows = list(told.annotate(hash=KeyTextTransform("sha256", "body")).values_list("variant", "hash")[:MOST_PROFILES])
    named = Q(pk__in={pk for pk, _ in rows if pk}) | Q(file__in={sha256 for _, sha256 in rows if sha256})
    asked = Q(pk=model) if model else named
    found: Variant | None = mine.filter(asked).order_by("-created").first() if rows or model else None
    return found
