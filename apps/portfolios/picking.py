"""From picked rows to a portfolio: the bar on other pages, and the page that asks where they go."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts import teams
from apps.accounts.models import Team
from apps.accounts.refusal import Refused
from apps.catalog.models import Variant
from apps.portfolios import actions
from apps.portfolios.doing import status
from apps.portfolios.forms import NameForm
from apps.portfolios.models import Portfolio, State

OFFERED = 50


@require_safe
def bar(request: HttpRequest) -> HttpResponse:
    """Fragment: the form that the checkboxes of other pages belong to; nothing for whoever only looks on."""
    team = teams.current(request)
    return render(request, "portfolios/_pick.html", {"team": team, "may_edit": teams.may_edit(teams.person(request), team)})


@require_http_methods(["GET", "HEAD", "POST"])
def pick(request: HttpRequest) -> HttpResponse:
    """Where do the picked variants go: into a portfolio that is there, or into a new one?"""
    asked = request.POST if request.method == "POST" else request.GET
    ids = _uuids(asked.getlist("variant"))
    picked = list(Variant.objects.visible_to(request.user).filter(pk__in=ids).select_related("model"))
    team = picked[0].team if picked else teams.current(request)
    form = NameForm(request.POST if "new" in request.POST else None, auto_id="new_%s")
    if request.method != "POST":
        return _page(request, team, picked, form)
    return _into_new(request, team, picked, form) if "new" in request.POST else _into(request, team, picked, form)


def _into(request: HttpRequest, team: Team | None, picked: list[Variant], form: NameForm) -> HttpResponse:
    chosen = _uuids([request.POST.get("portfolio", "")])
    if not chosen:
        return _page(request, team, picked, form, 422, "Choose a portfolio, or name a new one.")
    found: Portfolio = get_object_or_404(Portfolio.objects.editable_by(request.user), pk=chosen[0])
    try:
        actions.add_variants(teams.person(request), found, [each.pk for each in picked])
    except Refused as refused:
        return _page(request, team, picked, form, status(refused), " ".join(refused.errors.values()))
    return redirect("portfolio", pk=found.pk)


def _into_new(request: HttpRequest, team: Team | None, picked: list[Variant], form: NameForm) -> HttpResponse:
    if team is None:
        return _page(request, team, picked, form, 403, teams.NONE_YET)
    if form.is_valid():
        values, ids = form.cleaned_data, [each.pk for each in picked]
        try:
            made = actions.create(teams.person(request), team, values["name"], values["description"], ids)
            return redirect("portfolio", pk=made.pk)
        except Refused as refused:
            form.refuse({field if field in form.fields else "": text for field, text in refused.errors.items()})
            return _page(request, team, picked, form, status(refused))
    return _page(request, team, picked, form, 422)


def _page(request: HttpRequest, team: Team | None, picked: list[Variant], form: NameForm, code: int = 200,
          refused: str = "") -> HttpResponse:
    there = Portfolio.objects.editable_by(request.user).filter(team=team).exclude(state=State.IN_REVIEW)
    context: dict[str, Any] = {"picked": picked, "form": form, "refused": refused,
                               "offered": list(there.order_by("-changed_at")[:OFFERED]),
                               "may_edit": teams.may_edit(teams.person(request), team)}
    return render(request, "portfolios/pick.html", context, status=code)


def _uuids(texts: list[str]) -> list[UUID]:
    """Those of the texts that are ids; more than fit into any portfolio are not read."""
    found = []
    for text in texts[:200]:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found
