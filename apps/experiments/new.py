"""A new experiment: the menu of recipes, the form of one, and what it will mean in plain words."""

from __future__ import annotations

from itertools import groupby
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import teams
from apps.accounts.refusal import Refused
from apps.catalog.views import searched
from apps.experiments import actions, alongside, cutting, prefilled, refitting, studies, sweeps
from apps.experiments.choices import MOST, ThingField, takes
from apps.experiments.fields import initial, initial_sweep
from apps.experiments.forms import RecipeForm, form_for
from apps.experiments.models import Experiment, Run
from apps.experiments.promise import promise
from worker import menu
from worker.params import Refit
from worker.recipe import Recipe


@require_safe
def choose(request: HttpRequest) -> HttpResponse:
    return render(request, "experiments/choose.html", {"kinds": kinds(), **_rights(request)})


def new(request: HttpRequest, recipe: str) -> HttpResponse:
    chosen = on_the_menu(recipe)
    if request.method != "POST":
        return _page(request, chosen, _beside(request, _form(request, chosen)(initial=_start(request, chosen))))
    if not _rights(request)["may_edit"]:
        raise PermissionDenied
    if any(word in request.POST for word in ("preset", "narrow", "refit")):
        return _page(request, chosen, _kept(request, chosen))
    return _launch(request, chosen)


@require_safe
def choices(request: HttpRequest, recipe: str, field: str) -> HttpResponse:
    """The things that a field offers for what was searched, for the form's script."""
    offer = _form(request, on_the_menu(recipe))().fields.get(field)
    if not isinstance(offer, ThingField):
        raise Http404
    offer.search = searched(request)
    rows = [{"id": str(thing.pk), "label": offer.label_from_instance(thing), "takes": takes(thing)} for thing in offer.offered()]
    return JsonResponse({"choices": rows, "most": MOST})


@require_safe
def cuts(request: HttpRequest, recipe: str, field: str) -> HttpResponse:
    """Fragment: where the chosen network can be cut, under the field that says where it is."""
    chosen = on_the_menu(recipe)
    form = _form(request, chosen)(initial={cutting.MODEL: _uuid(request.GET.get(cutting.MODEL, ""))})
    if not getattr(form.fields.get(field), "cuts", False):
        raise Http404
    return render(request, "experiments/_cuts.html", {"recipe": chosen, "name": field, "offer": _offer(form)})


@require_POST
def summary(request: HttpRequest, recipe: str) -> HttpResponse:
    """Fragment: what the form as it stands will do, and what does not fit."""
    chosen = on_the_menu(recipe)
    form = _beside(request, _form(request, chosen)(request.POST))
    return render(request, "experiments/_promise.html", {"form": form, "promise": promise(form, teams.current(request)),
                                                              **_rights(request)})


def kinds() -> list[tuple[str, list[Recipe]]]:
    """By kind; of a kind what makes networks smaller before what makes them sparse."""
    by_kind = sorted(menu.recipes().values(), key=lambda recipe: (ORDER.get(recipe.kind, 9), recipe.kind, recipe.makes))
    return [(kind, list(group)) for kind, group in groupby(by_kind, key=lambda recipe: recipe.kind)]


ORDER = {"pruning": 0, "training": 1, "benchmarking": 2}


def on_the_menu(name: str) -> Recipe:
    recipe = menu.find(name)
    if recipe is None:
        raise Http404
    return recipe


def _launch(request: HttpRequest, recipe: Recipe) -> HttpResponse:
    form = _beside(request, _form(request, recipe)(request.POST))
    team = teams.current(request)
    if form.is_valid() and team:
        try:
            own = {name: form.cleaned_data[name] or unset for name, unset in UNSET.items()}
            return _shown_to(actions.launch_sweep(teams.person(request), team, recipe.name, form.values(), form.sweep(),
                                                  compare_with=form.compare_with(), **own))
        except Refused as refused:
            form.refuse(refused.errors)
    return _page(request, recipe, form, 422)


UNSET: dict[str, Any] = {"name": "", "repeat": 1, "tags": ()}


def _shown_to(experiment: Experiment) -> HttpResponse:
    """One run is shown itself; several are shown together."""
    runs = list(experiment.runs.values_list("pk", flat=True)[:2])
    return redirect("run", pk=runs[0]) if len(runs) == 1 else redirect("experiment", pk=experiment.pk)


def _page(request: HttpRequest, recipe: Recipe, form: RecipeForm, status: int = 200) -> HttpResponse:
    # What is wrong stands at the fields and above them already.
    context = {"recipe": recipe, "form": form, "kinds": kinds(), "carried": _carried(form),
               "promise": promise(form, teams.current(request))._replace(problems=[]), "presets": _presets(recipe),
               "offer": _offer(form), **_rights(request)}
    return render(request, "experiments/new.html", context, status=status)


def _offer(form: RecipeForm) -> cutting.Offer:
    """Of the chosen network, where the form asks for layers of it."""
    model = form.fields.get(cutting.MODEL)
    asks = {cuts for field in form.fields.values() if (cuts := getattr(field, "cuts", ""))}
    if not asks or not isinstance(model, ThingField):
        return cutting.Offer()
    return cutting.offer(model.found(form[cutting.MODEL].value()), is_learnt=cutting.LEARNT in asks)


def _presets(recipe: Recipe) -> list[tuple[str, str]]:
    """Each preset with what it changes: `epochs 3, batch size 64`."""
    return [(name, ", ".join(f"{field.replace('_', ' ')} {_shown(value)}" for field, value in initial(recipe, values).items()))
            for name, values in recipe.presets.items()]


def _shown(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _carried(form: RecipeForm) -> str:
    """The chosen things as a query string, so that another recipe begins with them."""
    chosen = {field: _uuid(str(form[field].value() or "")) for field in _first_of_each(form.recipe).values()}
    return urlencode({kind: chosen[field] for kind, field in _first_of_each(form.recipe).items() if chosen[field]})


def _first_of_each(recipe: Recipe) -> dict[str, str]:
    """By kind of thing the field that is meant where only the kind is said: a recipe may take several models."""
    return {str(kind): field for field, kind in reversed(recipe.params.references().items())}


def _form(request: HttpRequest, recipe: Recipe) -> type[RecipeForm]:
    """The form's class; what was searched in its choices narrows them."""
    made = form_for(recipe, teams.person(request), teams.current(request))
    for name, field in made.base_fields.items():
        if isinstance(field, ThingField):
            field.search = (request.POST.get(f"{name}-q") or request.GET.get(f"{name}-q", "")).strip()
    return made


def _beside(request: HttpRequest, form: RecipeForm) -> RecipeForm:
    """The form with the recipes it can be compared with."""
    return alongside.attach(form, teams.person(request), teams.current(request))


def _kept(request: HttpRequest, recipe: Recipe) -> RecipeForm:
    """What was typed stays; a preset's fields, or what fits chosen recordings, are set over it."""
    made = _form(request, recipe)
    typed = {name: made(request.POST)[name].value() for name in made.base_fields}
    beside = {studies.FIELD: alongside.typed(recipe, request.POST)}
    preset = initial(recipe, recipe.presets.get(request.POST.get("preset", ""), {}))
    return _beside(request, made(initial={**typed, **beside, **preset, **_refitted(request, made)}))


def _refitted(request: HttpRequest, made: type[RecipeForm]) -> dict[str, Any]:
    """What fits the chosen recordings, where that was asked for; what a person has to know of it is said."""
    found = refitting.offer(made(request.POST)) if "refit" in request.POST else Refit()
    if found.note:
        messages.info(request, found.note)
    return dict(found.values)


def _start(request: HttpRequest, recipe: Recipe) -> dict[str, Any]:
    """Values to begin with: those of an earlier run, what the address says, and the things whose pages led here."""
    values = _of_run(request, recipe) | prefilled.fields(request.GET, recipe)
    if network := request.GET.get("network", ""):
        found = prefilled.things(teams.person(request), teams.current(request), recipe, network,
                                 _uuid(request.GET.get("model", "")))
        values |= found
        if not found:
            messages.info(request, prefilled.NO_MODEL)
    meant = {field: field for field in recipe.params.references()} | _first_of_each(recipe)
    suited = prefilled.suited(teams.person(request), teams.current(request), recipe, _uuid(request.GET.get("recordings", "")))
    if suited.note:
        messages.info(request, suited.note)
    return {**suited.values, **values, **{field: asked for word, field in meant.items()
                                          if (asked := _uuid(request.GET.get(word, "")))}}


def _of_run(request: HttpRequest, recipe: Recipe) -> dict[str, Any]:
    earlier = _uuid(request.GET.get("from", ""))
    mine = Run.objects.visible_to(request.user).select_related("experiment")
    run = mine.filter(pk=earlier, recipe__in=menu.names(recipe)).first() if earlier else None
    return initial(recipe, run.params) | {"tags": ", ".join(run.experiment.tags)} if run else _like(request, recipe)


def _like(request: HttpRequest, recipe: Recipe) -> dict[str, Any]:
    """Everything of an earlier experiment, its recipes, its sweep and its number of seeds too."""
    earlier = _uuid(request.GET.get("like", ""))
    mine = Experiment.objects.visible_to(request.user).filter(recipe__in=menu.names(recipe))
    found = mine.filter(pk=earlier).first() if earlier else None
    rows = found.runs.order_by("number").values_list("recipe", "params")[:sweeps.MOST_RUNS] if found else ()
    runs = [(known, params) for name, params in rows if (known := menu.find(name))]
    if found is None or not runs:
        return {}
    (first, *others), seeds = studies.asked_for(runs)
    return initial(recipe, first.values) | initial_sweep(recipe, first.sweep) | {
        "tags": ", ".join(found.tags), "repeat": min(len(seeds), sweeps.MOST_REPEATS),
        studies.FIELD: alongside.begun(recipe, others)}


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        return ""


def _rights(request: HttpRequest) -> dict[str, Any]:
    return {"may_edit": teams.may_edit(teams.person(request), teams.current(request))}


