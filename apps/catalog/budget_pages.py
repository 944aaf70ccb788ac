"""The part of a model's page that tells what fits into a memory budget, for a page that waits for it."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from apps.accounts import teams
from apps.catalog.budget_rows import budget_context
from apps.catalog.models import RegisteredModel


@require_safe
def fit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Fragment: the answer, which asks for itself again while it is being computed. 422 for a budget that is none."""
    rows = RegisteredModel.objects.visible_to(request.user).select_related("team")
    found = get_object_or_404(rows, pk=pk)
    context = budget_context(request, found)
    mine = {"model": found, "may_edit": teams.may_edit(teams.person(request), found.team)}
    return render(request, "catalog/_fit_answer.html", context | mine, status=422 if context["budget_form"].errors else 200)
