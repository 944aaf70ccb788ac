"""A new experiment: the menu of recipes, the form of one, and what it will mean in plain words."""

from __future__ import annotations

from itertools import groupby
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import teams
from apps.accounts.refusal import Refused
from apps.experiments import actions
from apps.experiments.forms import RecipeForm, form_for, initial
from apps.experiments.models import Run
from apps.experiments.promise import promise
from worker import menu
from worker.recipe import Recipe


@require_safe
def choose(request: HttpRequest) -> HttpResponse:
    return render(request, "experiments/choose.html", {"kinds": kinds(), **_rights(request)})


def new(request: HttpRequest, recipe: str) -> HttpResponse:
    chosen = on_the_menu(recipe)
    if request.method != "POST":
        return _page(request, chosen, _form(request, chosen)(initial=_start(request, chosen)))
    if not _rights(request)["may_edit"]:
        raise PermissionDenied
    if "preset" in request.POST:
        return _page(request, chosen, _with_preset(request, chosen))
    return _launch(request, chosen)


@require_POST
def summary(request: HttpRequest, recipe: str) -> HttpResponse:
    """Fragment: what the form as it stands will do, and what does not fit."""
    chosen = on_the_menu(recipe)
    form = _form(request, chosen)(request.POST)
    return render(request, "experiments/_promise.html", {"promise": promise(form, teams.current(request))})


def kinds() -> list[tuple[str, list[Recipe]]]:
    by_kind = sorted(menu.recipes().values(), key=lambda recipe: (ORDER.get(recipe.kind, 9), recipe.kind))
    return [(kind, list(group)) for kind, group in groupby(by_kind, key=lambda recipe: recipe.kind)]


ORDER = {"pruning": 0, "training": 1, "benchmarking": 2}


def on_the_menu(name: str) -> Recipe:
    recipe = menu.recipes().get(name)
    if recipe is None:
        raise Http404
    return recipe


def _launch(request: HttpRequest, recipe: Recipe) -> HttpResponse:
    form = _form(request, recipe)(request.POST)
    team = teams.current(request)
    if form.is_valid() and team:
        try:
            name = form.cleaned_data["name"]
            return redirect("run", pk=actions.launch(teams.person(request), team, recipe.name, form.values(), name).pk)
        except Refused as refused:
            form.refuse(refused.errors)
    return _page(request, recipe, form)


def _page(request: HttpRequest, recipe: Recipe, form: RecipeForm) -> HttpResponse:
    # What is wrong stands at the fields and above them already.
    context = {"recipe": recipe, "form": form, "kinds": kinds(), "carried": _carried(form),
               "promise": promise(form, teams.current(request))._replace(problems=[]), "presets": _presets(recipe),
               **_rights(request)}
    return render(request, "experiments/new.html", context)


def _presets(recipe: Recipe) -> list[tuple[str, str]]:
    """Each preset with what it changes: `epochs 3, batch size 64`."""
    return [(name, ", ".join(f"{field.replace('_', ' ')} {_shown(value)}" for field, value in initial(recipe, values).items()))
            for name, values in recipe.presets.items()]


def _shown(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _carried(form: RecipeForm) -> str:
    """The chosen things as a query string, so that another recipe begins with them."""
    chosen = {kind: _uuid(str(form[field].value() or "")) for field, kind in form.recipe.params.references().items()}
    return urlencode({str(kind): value for kind, value in chosen.items() if value})


def _form(request: HttpRequest, recipe: Recipe) -> type[RecipeForm]:
    return form_for(recipe, teams.person(request), teams.current(request))


def _with_preset(request: HttpRequest, recipe: Recipe) -> RecipeForm:
    """What was typed stays; the preset's fields are set over it."""
    preset = recipe.presets.get(request.POST["preset"], {})
    typed = {name: request.POST[name] for name in request.POST if name in {"name", *recipe.params.model_fields}}
    return _form(request, recipe)(initial={**typed, **initial(recipe, preset)})


def _start(request: HttpRequest, recipe: Recipe) -> dict[str, Any]:
    """Values to begin with: those of an earlier run, and the things whose pages led here."""
    values = _of_run(request, recipe)
    for field, kind in recipe.params.references().items():
        asked = _uuid(request.GET.get(kind, ""))
        if asked:
            values[field] = asked
    return values


def _of_run(request: HttpRequest, recipe: Recipe) -> dict[str, Any]:
    earlier = _uuid(request.GET.get("from", ""))
    run = Run.objects.visible_to(request.user).filter(pk=earlier, recipe=recipe.name).first() if earlier else None
    return initial(recipe, run.params) if run else {}


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        return ""


def _rights(request: HttpRequest) -> dict[str, Any]:
    return {"may_edit": teams.may_edit(teams.person(request), teams.current(request))}


