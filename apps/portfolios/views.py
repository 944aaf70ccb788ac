"""The list of portfolios, the page of one with its fragments, and its evidence to take away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apps.accounts import teams
from apps.accounts.models import TeamQuerySet
from apps.catalog.views import searched
from apps.live.tables import Table
from apps.portfolios import page as pages
from apps.portfolios.approved import board_shown
from apps.portfolios.board import board_of, facts_of
from apps.portfolios.models import Decision, Portfolio, State
from apps.portfolios.rehearsed import rehearsed

PAGE = 25
PEOPLE = ("team", "author", "changed_by", "submitted_by", "stream")
FRAGMENTS: dict[str, Callable[[HttpRequest, Portfolio], dict[str, Any]]] = {
    "head": pages.head, "board": pages.board, "cell": pages.cell, "talk": pages.talk, "review": pages.review,
    "history": pages.history, "runtime": pages.runtime,
}
HEAD = ("criterion", "variant", "verdict", "within_noise", "noisy", "value", "unit", "low", "high", "n", "origin", "device",
        "engine", "threads", "batch", "dataset", "split", "when", "measurement", "run", "run_number")


@require_safe
def portfolios(request: HttpRequest) -> HttpResponse:
    rows = _filtered(request, Portfolio.objects.visible_to(request.user).filter(team=teams.current(request)))
    counted = rows.select_related("author", "changed_by").annotate(
        variant_count=Count("entries", distinct=True), criterion_count=Count("criteria", distinct=True))
    page = Paginator(counted.order_by("-changed_at", "id"), PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "search": searched(request), "states": State, "chosen_state": request.GET.get("state", ""),
               "chosen_show": request.GET.get("show", ""),
               "is_filtered": any(request.GET.get(name) for name in ("q", "state", "show"))}
    return render(request, "portfolios/portfolios.html", context)


def _filtered(request: HttpRequest, rows: TeamQuerySet) -> TeamQuerySet:
    """Narrow by what the address says; a value nobody knows finds nothing."""
    search, state, show = searched(request), request.GET.get("state", ""), request.GET.get("show", "")
    if search:
        rows = rows.filter(Q(name__icontains=search) | Q(description__icontains=search))
    if state:
        rows = rows.filter(state=state) if state in State.values else rows.none()
    if show == "waiting":
        return waiting_for(request, rows)
    if show == "returned":
        return sent_back_to(request, rows)
    if show:
        return rows.filter(author=request.user) if show == "mine" else rows.none()
    return rows


def waiting_for(request: HttpRequest, rows: TeamQuerySet) -> TeamQuerySet:
    """What is in review and waits for this person: not one's own work, and only where one reviews."""
    me = request.user.pk
    mine = Q(author=me) | Q(changed_by=me) | Q(submitted_by=me)
    theirs = Portfolio.objects.reviewable_by(request.user).filter(state=State.IN_REVIEW).exclude(mine)
    return rows.filter(pk__in=theirs.values("pk"))


def sent_back_to(request: HttpRequest, rows: TeamQuerySet) -> TeamQuerySet:
    """What a reviewer wants changed, and this person made, changed last or submitted."""
    me = request.user.pk
    mine = Q(author=me) | Q(changed_by=me) | Q(submitted_by=me)
    return rows.filter(mine, state=State.CHANGES)


@require_safe
def portfolio(request: HttpRequest, pk: UUID) -> HttpResponse:
    return shown(request, visible(request, pk))


def shown(request: HttpRequest, found: Portfolio, status: int = 200, **forms: Any) -> HttpResponse:
    """The page, with a form that was refused where a fresh one would stand."""
    return render(request, "portfolios/portfolio.html", pages.whole(request, found, **forms), status=status)


@require_safe
def fragment(request: HttpRequest, pk: UUID, kind: str) -> HttpResponse:
    """A part of the page as it is now."""
    if kind not in FRAGMENTS:
        raise Http404
    found = visible(request, pk)
    return render(request, f"portfolios/_{kind}.html", FRAGMENTS[kind](request, found))


@require_safe
def evidence(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Everything that the decision stands on, in one file: criteria, cells with their measurements, decisions, hashes; and what
    finished runs found of its networks at run time."""
    found = visible(request, pk)
    board = board_of(found)
    told = facts_of(board) | {"at_run_time": rehearsed(teams.person(request), found, board.entries)} | {
        "state": found.state, "author": str(found.author or ""), "as_of": timezone.now().isoformat(),
        "decisions": [_decision(each) for each in found.decisions.all()]}
    answer = JsonResponse(told, json_dumps_params={"indent": 1, "allow_nan": False})
    answer["Content-Disposition"] = f'attachment; filename="portfolio-{found.pk}.json"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


@require_safe
def cells(request: HttpRequest, pk: UUID) -> Table:
    """The cells as a table for a spreadsheet."""
    found = visible(request, pk)
    told = facts_of(board_shown(found))
    criteria = {each["id"]: each["told"] for each in told["criteria"]}
    variants = {each["id"]: each["name"] for each in told["variants"]}
    rows = [each | {"criterion": criteria[each["criterion"]], "variant": variants[each["variant"]]} for each in told["cells"]]
    return Table(f"{found.name} version {found.version}", HEAD, ([row.get(name) for name in HEAD] for row in rows))


def _decision(each: Decision) -> dict[str, Any]:
    return {"by": each.by_name, "verdict": each.verdict, "version": each.version, "text": each.text, "although": each.although,
            "when": each.created.isoformat(), "board": each.board}


def visible(request: HttpRequest, pk: UUID) -> Portfolio:
    found: Portfolio = get_object_or_404(Portfolio.objects.visible_to(request.user).select_related(*PEOPLE), pk=pk)
    return found


def editable(request: HttpRequest, pk: UUID) -> Portfolio:
    found: Portfolio = get_object_or_404(Portfolio.objects.editable_by(request.user).select_related(*PEOPLE), pk=pk)
    return found
