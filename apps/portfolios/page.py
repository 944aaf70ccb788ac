"""What the page of a portfolio says, gathered for its templates."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from apps.accounts import teams
from apps.accounts.models import Membership, Role
from apps.catalog.models import Dataset
from apps.devices.models import Device
from apps.live.models import Event
from apps.portfolios.approved import approval_of, board_shown
from apps.portfolios.board import Board, Cell, board_of
from apps.portfolios.detectors import watched
from apps.portfolios.forms import CommentForm, CriterionForm, DecisionForm
from apps.portfolios.launching import rehearsal
from apps.portfolios.lineage import origins
from apps.portfolios.models import Entry, Portfolio, State, Verdict
from apps.portfolios.retracing import again
from apps.portfolios.reviewing import why_not
from apps.portfolios.run_time import run_time
from worker import menu

TALK = 50
MOST_CHOSEN = 50
HISTORY = 50
MEASURES = {"latency_ms": "benchmarking.latency", "accuracy": "benchmarking.accuracy"}
FRAGMENTS = ("head", "board", "talk", "review", "history", "runtime")


def whole(request: HttpRequest, portfolio: Portfolio, **forms: Any) -> dict[str, Any]:
    """Everything of the page; a form that was refused comes instead of a fresh one."""
    context = {**head(request, portfolio), **board(request, portfolio), **talk(request, portfolio),
               **history(request, portfolio)}
    fresh = {"comment_form": CommentForm(auto_id="comment_%s"), "decision_form": _decision_form(portfolio)}
    if context["may_edit"]:
        fresh["criterion_form"] = CriterionForm(portfolio, auto_id="criterion_%s")
    context |= runtime(request, portfolio, context["board"])
    return context | review(request, portfolio, context["board"]) | cell(request, portfolio, context["board"]) | fresh | forms | {
        "config": {"stream": str(portfolio.stream_id), "after": portfolio.stream.head, "version": portfolio.version,
                   "fragments": {name: reverse("portfolio-fragment", args=[portfolio.pk, name]) for name in FRAGMENTS},
                   "cell": reverse("portfolio-fragment", args=[portfolio.pk, "cell"])}}


def head(request: HttpRequest, portfolio: Portfolio) -> dict[str, Any]:
    user = teams.person(request)
    may_edit = teams.may_edit(user, portfolio.team)
    approved = portfolio.decisions.defer("board").filter(verdict=Verdict.APPROVED).last()
    return {"portfolio": portfolio, "may_edit": may_edit, "may_change": may_edit and portfolio.is_open,
            "may_submit": may_edit and portfolio.state in (State.DRAFT, State.CHANGES),
            "may_withdraw": may_edit and portfolio.state == State.IN_REVIEW, "approved": approved,
            "is_stale": approved is not None and approved.version < portfolio.version}


def board(request: HttpRequest, portfolio: Portfolio) -> dict[str, Any]:
    found = board_shown(portfolio)
    may_edit = teams.may_edit(teams.person(request), portfolio.team)
    return {"portfolio": portfolio, "board": found, "chosen": request.GET.get("cell", ""),
            "may_change": may_edit and portfolio.is_open, "drifted": _drifted(found), "approval": approval_of(portfolio),
            "origins": origins([entry.variant_id for entry in found.entries]),
            "said": _said(portfolio)}


def cell(request: HttpRequest, portfolio: Portfolio, found: Board | None = None) -> dict[str, Any]:
    """The measurement behind one cell, named in the address."""
    chosen = request.GET.get("cell", "")
    one = (found or board_shown(portfolio)).cell(chosen) if chosen else None
    may_edit = teams.may_edit(teams.person(request), portfolio.team)
    return {"portfolio": portfolio, "cell": one, "is_gone": bool(chosen) and one is None,
            "may_change": may_edit and portfolio.is_open,
            "measure": _measure(portfolio, one) if one else ""}


def talk(request: HttpRequest, portfolio: Portfolio) -> dict[str, Any]:
    """The newest comments; `?before=` goes back."""
    user = teams.person(request)
    rows = portfolio.comments.select_related("author", "resolved_by").order_by("-pk")
    before = request.GET.get("before", "")
    if before.isascii() and before.isdigit() and len(before) < 18:
        rows = rows.filter(pk__lt=int(before))
    page = list(rows[:TALK + 1])
    shown = page[:TALK]
    return {"portfolio": portfolio, "comments": shown[::-1], "earlier": shown[-1].pk if len(page) > TALK else None,
            "comment_count": portfolio.comments.count(), "may_edit": teams.may_edit(user, portfolio.team), "me": user}


def review(request: HttpRequest, portfolio: Portfolio, found: Board | None = None) -> dict[str, Any]:
    """The decision to be made, and for whom it is not."""
    user = teams.person(request)
    is_in_review = portfolio.state == State.IN_REVIEW
    reason = why_not(user, portfolio) if is_in_review else ""
    unmet = (found or board_of(portfolio)).unmet if is_in_review and not reason else []
    return {"portfolio": portfolio, "is_in_review": is_in_review, "why_not": reason, "unmet": unmet,
            "decisions": portfolio.decisions.defer("board").order_by("-pk")[:20], "decision_form": _decision_form(portfolio),
            "may_review": teams.may_review(user, portfolio.team), "is_alone": is_in_review and _is_alone(portfolio),
            "administers": teams.administers(user, portfolio.team)}


def history(request: HttpRequest, portfolio: Portfolio) -> dict[str, Any]:
    rows = Event.objects.filter(stream__in=[portfolio.stream_id]).exclude(type="said").order_by("-seq")
    return {"portfolio": portfolio, "history": list(rows[:HISTORY])}


def runtime(request: HttpRequest, portfolio: Portfolio, found: Board | None = None) -> dict[str, Any]:
    """What its networks do at run time; `?run=` chooses among runs, `?show=` a run whose row says who would serve."""
    user, entries = teams.person(request), found.entries if found else _entries(portfolio)
    chosen = set(request.GET.getlist("run")[:MOST_CHOSEN])
    found_there = run_time(user, portfolio, entries, chosen, request.GET.get("show", ""))
    begun = rehearsal(user, portfolio, entries) if teams.may_edit(user, portfolio.team) else None
    return {"portfolio": portfolio, "entries": entries, "run_time": found_there,
            "places": [(place, again(begun, place.source.run)) for place in found_there.places],
            "detectors": watched(user, portfolio, entries, chosen), "chosen_cell": request.GET.get("cell", ""),
            "rehearsal": begun}


def _entries(portfolio: Portfolio) -> list[Entry]:
    return list(portfolio.entries.select_related("variant__model"))


def _is_alone(portfolio: Portfolio) -> bool:
    """Whether nobody of the team could decide on it: whoever reviews has a hand in it."""
    hands = [pk for pk in (portfolio.author_id, portfolio.changed_by_id, portfolio.submitted_by_id) if pk]
    reviewers = Membership.objects.filter(team=portfolio.team_id, role__in=(Role.REVIEWER, Role.ADMIN))
    return not reviewers.exclude(user__in=hands).exists()


def _decision_form(portfolio: Portfolio) -> DecisionForm:
    return DecisionForm(initial={"version": portfolio.version}, auto_id="decision_%s")


def _said(portfolio: Portfolio) -> dict[str, int]:
    """How many open comments each cell has, by its key."""
    counts: dict[str, int] = {}
    rows = portfolio.comments.filter(resolved=None, criterion__isnull=False)
    for criterion, variant in rows.values_list("criterion", "variant"):
        key = f"{criterion}-{variant}"
        counts[key] = counts.get(key, 0) + 1
    return counts


def _drifted(found: Board) -> list[Cell]:
    """Cells that newer measurements judge otherwise than on the day it was approved."""
    return [cell for cell in found.cells if cell.newer and cell.newer.verdict != cell.judged.verdict]


def _measure(portfolio: Portfolio, one: Cell) -> str:
    """Where the missing number would be measured: a form that begins with this variant and what the criterion names."""
    recipe = next((name for prefix, name in MEASURES.items() if one.row.criterion.metric.startswith(prefix)), "")
    if recipe not in menu.recipes():
        return ""
    asked, known = one.row.criterion, one.judged.evidence
    named = {"device": _id_of(Device, portfolio, asked.device or (known.device if known else "")),
             "dataset": _id_of(Dataset, portfolio, asked.dataset or (known.dataset if known else ""))}
    chosen = {"model": str(one.entry.variant_id), **{kind: found for kind, found in named.items() if found}}
    return f"{reverse('new-experiment', args=[recipe])}?{urlencode(chosen)}"


def _id_of(kind: type[Device | Dataset], portfolio: Portfolio, name: str) -> str:
    """The team's thing of this name, when there is one."""
    found = kind.objects.filter(team__in=[portfolio.team_id], name=name).order_by("-created").first() if name else None
    return str(found.pk) if found else ""
