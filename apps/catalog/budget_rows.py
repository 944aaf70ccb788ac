"""What fits into a memory budget, as a model's page shows it: the question, and a row for each way of training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.http import HttpRequest

from apps.catalog import rehearsals
from apps.catalog.forms import BudgetForm
from apps.catalog.lineage import COPIES
from apps.catalog.models import Precision, RegisteredModel, Variant
from apps.live.asking import Silent
from worker import budgets, menu
from worker.budgets import Fitted, FittedBlock, FittedWay
from worker.wording import figures

DEFAULT = "130MB"
MOST_BATCHES, MOST_OFFERED = 6, 50
KEPT = ("page", "copies", "against", "as")  # what else the address of a model's page says
SILENT = "Nobody answered in time: load this page again. If that does not help, the program that answers is not running."


class Row(NamedTuple):
    """One way of training; `launch` is the rest of the address of its form, with model and budget filled in."""

    recipe: str
    title: str
    way: FittedWay
    batches: str
    launch: str


def budget_context(request: HttpRequest, model: RegisteredModel) -> dict[str, Any]:
    """The form alone until somebody asks; then the rows, or that they are being computed, or why there are none."""
    typed, offered = request.GET if "budget" in request.GET else None, offers(model)
    choices = [(str(each.pk), f"{each} · {figures(each.params)} parameters") for each in offered]
    form = BudgetForm(typed, variants=choices, auto_id="fit_%s", initial={"budget": DEFAULT})
    kept = [(name, request.GET[name]) for name in KEPT if name in request.GET]
    context = {"budget_form": form, "kept": kept, "trained_variant": next(iter(offered), None)}
    if not (offered and typed and form.is_valid()):
        return context
    asked = form.cleaned_data["variant"]
    variant = next((each for each in offered if str(each.pk) == asked), offered[0])
    return context | answered(variant, form.cleaned_data["budget"])


def offers(model: RegisteredModel) -> list[Variant]:
    """The variants that can be trained, the one that all descend from first; where there is none, one that says why."""
    rows = model.variants.exclude(COPIES).order_by("created", "pk")
    return list(rows.filter(precision=Precision.FP32)[:MOST_OFFERED]) or list(rows[:1])


def answered(variant: Variant, budget_bytes: int) -> dict[str, Any]:
    """Of a variant that was fetched by right."""
    looked = rehearsals.look(variant)
    told: dict[str, Any] = {"is_asked": True, "budget_bytes": budget_bytes, "trained_variant": variant}
    if looked.needs is None:
        return told | {"is_computing": looked.is_waiting, "why_none": looked.why}
    try:
        found = rehearsals.fitted(looked.needs, budget_bytes)
    except Silent:
        return told | {"why_none": SILENT}
    return told | {"fitted": found, "fit_rows": rows(found, variant)}


def rows(found: Fitted, variant: Variant) -> list[Row]:
    return [Row(name, _title(name), way, _batches(way.blocks), urlencode(_launch(name, found, way, variant)))
            for name, way in found.methods.items()]


def _title(name: str) -> str:
    recipe = menu.find(name)
    return recipe.title if recipe else name


def _batches(blocks: Sequence[FittedBlock]) -> str:
    """`89, 146, 249, 256`: of each block, the first of many."""
    first = ", ".join(str(block.batch) for block in blocks[:MOST_BATCHES])
    return first if len(blocks) <= MOST_BATCHES else f"{first} … ({len(blocks)} blocks)"


def _launch(name: str, found: Fitted, way: FittedWay, variant: Variant) -> dict[str, str]:
    """Where a form asks for the batch, it begins with the one that was foretold."""
    said = {"model": str(variant.pk), "budget_mb": f"{found.budget_bytes / budgets.MB:.15g}"}
    recipe = menu.find(name)
    asks = recipe is not None and "batch_size" in recipe.params.model_fields
    return said | ({"batch_size": str(way.batch)} if asks and way.batch else {})
