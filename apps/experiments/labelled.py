"""Measure on a label: one experiment that times a network on every device with that label, a run each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from apps.accounts import answers, teams
from apps.accounts.models import Team, User
from apps.accounts.refusal import Refused
from apps.devices import labels
from apps.devices.listing import usable
from apps.devices.models import Agent
from apps.experiments import actions
from apps.experiments.forms import form_for
from apps.experiments.models import Experiment
from apps.experiments.sweeps import MOST_RUNS
from worker import menu

RECIPE = "benchmarking.latency"
# A board has ONNX Runtime, and so has every computer: the same engine everywhere is like with like.
ENGINE = "onnxruntime"
ASKED = ["model", "dataset", "batch", "laps", "sustained"]


def measure_on_label(user: User, team: Team, label: str, values: Mapping[str, Any]) -> Experiment:
    """A run of the latency recipe for each device with this label that somebody can measure on."""
    word = _label(label)
    found = usable(user, team).filter(labels__contains=[word], retired=False)
    lives = Exists(Agent.objects.filter(device=OuterRef("pk"), revoked=None))
    devices = list(found.filter(~Q(host="") | lives).order_by("name")[:MOST_RUNS + 1])
    if not devices:
        there = "nobody can measure on those with this label" if found.exists() else "no device has this label"
        raise Refused({"label": f"There is nothing to measure on: {there}."})
    if len(devices) > MOST_RUNS:
        raise Refused({"label": f"More than {MOST_RUNS} devices have this label: an experiment has at most {MOST_RUNS} runs."})
    return actions.launch_sweep(user, team, RECIPE, {"engine": ENGINE, **values}, {"device": [str(each.pk) for each in devices]},
                                name=f"Latency on {word}", tags=[word])


def page(request: HttpRequest) -> HttpResponse:
    """The form, from the list of devices."""
    team, user = teams.current(request), teams.person(request)
    may_edit = teams.may_edit(user, team)
    made = _form(user, team)
    if request.method != "POST":
        given = {name: request.GET.get(name, "").replace("\x00", "")[:100] for name in ("label", "model", "dataset")}
        start = {name: value for name, value in given.items() if value}
        return _shown(request, made(initial=start) if may_edit else None)
    if not may_edit or team is None:
        return _shown(request, None, 403)
    form = made(request.POST)
    if not form.is_valid():
        return _shown(request, form, 422)
    try:
        experiment = measure_on_label(user, team, form.cleaned_data["label"], form.values())
    except Refused as refused:
        return _shown(request, answers.with_errors(form, refused), answers.status(refused))
    runs = list(experiment.runs.values_list("pk", flat=True)[:2])
    return redirect("run", pk=runs[0]) if len(runs) == 1 else redirect("experiment", pk=experiment.pk)


def _form(user: User, team: Team | None) -> Any:
    """The recipe's own fields, and a label where it has a device."""
    made = form_for(menu.get(RECIPE), user, team, ASKED)
    label = forms.CharField(max_length=labels.LONGEST, label="Label",
                            help_text="Every device with it that runs an agent or a worker.")
    return type("LabelForm", (made,), {"label": label, "field_order": ["label", *ASKED]})


def _label(text: str) -> str:
    try:
        found = labels.words(text)
    except ValueError as wrong:
        raise Refused({"label": str(wrong)}) from None
    if len(found) != 1:
        raise Refused({"label": "Name one label."})
    return found[0]


def _shown(request: HttpRequest, form: Any, status: int = 200) -> HttpResponse:
    known = usable(teams.person(request), teams.current(request)).filter(retired=False).exclude(labels=[])
    said = known.order_by().values_list("labels", flat=True).distinct()[:200]
    context = {"form": form, "labels": sorted({label for each in said for label in each})}
    return render(request, "experiments/measure_on_label.html", context, status=status)
