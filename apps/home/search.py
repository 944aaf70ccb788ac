"""Quick search: everything of the team whose name holds the words, and the run of a number."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts import teams
from apps.catalog.models import Dataset, RegisteredModel, Variant
from apps.catalog.views import searched
from apps.devices.models import Device
from apps.experiments.models import Run
from apps.plans.models import SavedPlan
from apps.portfolios.models import Portfolio
from worker import menu

MOST = 10


class Hit(NamedTuple):
    kind: str
    name: str
    about: str
    address: str


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """A number alone (`7`, `#7`, `run 7`) goes straight to that run."""
    text = searched(request)
    run = _numbered(request, text)
    if run:
        return redirect("run", pk=run.pk)
    return render(request, "home/search.html", {"search": text, "hits": hits(request, text) if text else []})


def _mine(request: HttpRequest, things: Any) -> QuerySet[Any]:
    found: QuerySet[Any] = things.objects.visible_to(request.user).filter(team=teams.current(request))
    return found


def _numbered(request: HttpRequest, text: str) -> Run | None:
    digits = text.lower().removeprefix("run").strip().removeprefix("#")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 9):
        return None
    return _mine(request, Run).filter(number=int(digits)).first()


def hits(request: HttpRequest, text: str) -> list[Hit]:
    """At most ten of each kind."""
    def named(things: Any, field: str = "name") -> QuerySet[Any]:
        return _mine(request, things).filter(**{f"{field}__icontains": text})

    models = [Hit("model", each.name, each.task, reverse("model", args=[each.pk])) for each in named(RegisteredModel)[:MOST]]
    variants = [Hit("variant", each.name, each.model.name, reverse("model", args=[each.model_id]))
                for each in named(Variant).select_related("model")[:MOST]]
    data = [Hit("data set", each.name, "recorded detections" if each.recorded else f"{each.classes} classes",
                reverse("dataset", args=[each.pk]))
            for each in named(Dataset)[:MOST]]
    usable = Device.objects.visible_to(request.user).usable_by(teams.current(request)).filter(name__icontains=text)
    devices = [Hit("device", each.name, each.hardware, reverse("device", args=[each.pk])) for each in usable[:MOST]]
    shown = named(Run, "experiment__name").filter(experiment__archived=None)
    runs = [Hit(f"run {each.number}", each.experiment.name, each.status, reverse("run", args=[each.pk]))
            for each in shown.select_related("experiment").order_by("-number")[:MOST]]
    folios = [Hit("portfolio", each.name, each.get_state_display(), reverse("portfolio", args=[each.pk]))
              for each in named(Portfolio).order_by("-changed_at")[:MOST]]
    plans = [Hit("plan", each.name, each.network, reverse("plan", args=[each.pk]))
             for each in named(SavedPlan).order_by("-saved_at")[:MOST]]
    recipes = [Hit("recipe", each.title, each.summary, reverse("recipe-docs", args=[each.name]))
               for each in menu.recipes().values() if text.lower() in f"{each.name} {each.title}".lower()]
    return [*models, *variants, *data, *devices, *runs, *folios, *plans, *recipes[:MOST]]
