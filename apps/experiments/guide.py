"""The documentation of recipes, generated from their parameters."""

from __future__ import annotations

import re
import sys
from functools import cache
from typing import Any, Literal, get_args, get_origin

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe
from markdown_it import MarkdownIt

from apps.experiments.new import kinds, on_the_menu
from apps.experiments.sweeps import inner
from worker.params import extra
from worker.recipe import Recipe
from worker.wording import range_words

GUIDES = {"first-steps": "First steps", "uploads": "Your own models and data", "data-sets": "Data sets",
          "networks": "Which networks are read", "pruning": "Pruning", "training": "Training in a budget",
          "updating": "Updating deployed networks", "detection": "Choosing detectors at run time",
          "devices": "Devices",
          "device-profiles": "Device profiles as files",
          "benchmark-protocol": "Benchmark protocol", "partitioning": "Partitioning", "portfolios": "Portfolios"}
PLAIN = {int: "whole number", float: "number", bool: "yes or no", str: "text"}


@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    return render(request, "experiments/docs.html", {"kinds": kinds(), "guides": GUIDES})


@require_safe
def guide(request: HttpRequest, name: str) -> HttpResponse:
    """A page of the folder docs/, as it stands there."""
    if name not in GUIDES:
        raise Http404
    return render(request, "experiments/guide.html", {"title": GUIDES[name], "body": _page_of(name)})


@cache
def _page_of(name: str) -> SafeString:
    """Its HTML without the title; written by the house, so nothing has to be cleaned. Links to other files are none here."""
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    body = (settings.BASE_DIR / "docs" / f"{name}.md").read_text().partition("\n")[2]
    return mark_safe(re.sub(r'<a href="(?!https?:)[^"]*">(.*?)</a>', r"\1", reader.render(body)))


@require_safe
def recipe_docs(request: HttpRequest, recipe: str) -> HttpResponse:
    found = on_the_menu(recipe)
    rows = [_row(found, name) for name in found.params.model_fields]
    context = {"recipe": found, "rows": rows, "about": _about(found), "kinds": kinds()}
    return render(request, "experiments/recipe.html", context)


def _about(recipe: Recipe) -> list[str]:
    """The module's own words, by paragraph, without the sentence that is the summary."""
    text = (sys.modules[recipe.run.__module__].__doc__ or "").strip()
    return [part.strip() for part in text.partition("\n")[2].split("\n\n") if part.strip()]


def _row(recipe: Recipe, name: str) -> dict[str, Any]:
    info, noted = recipe.params.model_fields[name], extra(recipe.params, name)
    default = "" if info.is_required() else info.get_default(call_default_factory=True)
    return {"name": name, "flag": f"--{name.replace('_', '-')}", "help": info.description or "",
            "type": recipe.params.references().get(name) or _type(info.annotation), "range": range_words(info),
            "default": default.replace("\n", "; ") if isinstance(default, str) else default,
            "required": info.is_required(), "unit": noted.get("unit", ""),
            "live": noted.get("live", False), "essential": noted.get("essential", False)}


def _type(annotation: Any) -> str:
    kind = inner(annotation)
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(map(str, get_args(kind)))
    return PLAIN.get(kind, "list")
