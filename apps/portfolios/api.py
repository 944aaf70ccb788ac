"""Portfolios: pick variants, say what they must keep, have them reviewed, decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Status

from apps.accounts import teams
from apps.accounts.models import User
from apps.accounts.wire import Page, Paging, editable_team, ordered, paged, team_of
from apps.portfolios import actions
from apps.portfolios.board import board_of, facts_of
from apps.portfolios.models import Portfolio
from apps.portfolios.rehearsed import rehearsed
from apps.portfolios.wire import (
    Approval,
    AtRunTime,
    Board,
    CommentIn,
    CommentOut,
    CriterionChange,
    CriterionIn,
    DecisionOut,
    Note,
    PortfolioChange,
    PortfolioIn,
    PortfolioOut,
    Portfolios,
    Resolution,
    Text,
    VariantsIn,
    Wish,
)

router = Router(tags=["portfolios"])
ONE = "/portfolios/{uuid:portfolio}"
Action = Callable[[User, Portfolio], object]


@router.get("/portfolios", response=Page[PortfolioOut])
def list_portfolios(request: HttpRequest, asked: Annotated[Portfolios, Query()]) -> dict[str, Any]:
    """The team's portfolios, the newest change first."""
    rows = Portfolio.objects.visible_to(teams.person(request)).filter(team=team_of(request, asked.team))
    rows = rows.filter(state=asked.state) if asked.state else rows
    rows = rows.filter(name__icontains=asked.q.strip()) if asked.q.strip() else rows
    return paged(ordered(rows, asked.order, ("changed_at", "created", "name")), asked)


@router.post("/portfolios", response={201: PortfolioOut})
def make_portfolio(request: HttpRequest, asked: PortfolioIn) -> Status[Any]:
    """A new draft of yours, with the variants that you picked for it."""
    team = editable_team(request, asked.team)
    return Status(201, actions.create(teams.person(request), team, asked.name, asked.description, asked.variants))


@router.get(ONE, response=PortfolioOut)
def get_portfolio(request: HttpRequest, portfolio: UUID) -> Portfolio:
    """Its name, state and version; what is in it is on its board."""
    return _seen(request, portfolio)


@router.get(ONE + "/board", response=Board)
def get_board(request: HttpRequest, portfolio: UUID) -> dict[str, Any]:
    """Its variants, its criteria, and a cell for each pair: pass, fail or not measured, with the evidence."""
    return facts_of(board_of(_seen(request, portfolio)))


@router.get(ONE + "/run-time", response=AtRunTime)
def get_run_time(request: HttpRequest, portfolio: UUID) -> dict[str, Any]:
    """What finished runs found of its networks at run time: who would serve over load and deadline (predicted), memory and
    changes (measured), each with the run it comes from. No part of what a decision keeps."""
    found = _seen(request, portfolio)
    return rehearsed(teams.person(request), found, list(found.entries.select_related("variant__model")))


@router.patch(ONE, response=PortfolioOut)
def rename_portfolio(request: HttpRequest, portfolio: UUID, asked: PortfolioChange) -> Portfolio:
    """Another name or description; with seen, only if nobody renamed it since that version (409)."""
    return _done(request, portfolio, lambda user, found: actions.rename(
        user, found, asked.name if asked.name is not None else found.name,
        asked.description if asked.description is not None else found.description, asked.seen))


@router.post(ONE + "/variants", response=PortfolioOut)
def add_variants(request: HttpRequest, portfolio: UUID, asked: VariantsIn) -> Portfolio:
    """Pick further variants."""
    return _done(request, portfolio, lambda user, found: actions.add_variants(user, found, asked.variants))


@router.patch(ONE + "/variants/{uuid:variant}", response=PortfolioOut)
def note_variant(request: HttpRequest, portfolio: UUID, variant: UUID, asked: Note) -> Portfolio:
    """A line of one's own beside a variant."""
    return _done(request, portfolio, lambda user, found: actions.note_variant(user, found, variant, asked.note))


@router.delete(ONE + "/variants/{uuid:variant}", response=PortfolioOut)
def remove_variant(request: HttpRequest, portfolio: UUID, variant: UUID) -> Portfolio:
    """Take a variant out; the variant itself stays."""
    return _done(request, portfolio, lambda user, found: actions.remove_variant(user, found, variant))


@router.post(ONE + "/criteria", response=PortfolioOut)
def add_criterion(request: HttpRequest, portfolio: UUID, asked: CriterionIn) -> Portfolio:
    """What every variant must keep."""
    return _done(request, portfolio, lambda user, found: actions.add_criterion(user, found, asked.model_dump()))


@router.put(ONE + "/criteria/{int:criterion}", response=PortfolioOut)
def change_criterion(request: HttpRequest, portfolio: UUID, criterion: int, asked: CriterionChange) -> Portfolio:
    """Another bound, device or metric; with seen, only if nobody changed it since that version (409)."""
    values = asked.model_dump(exclude={"seen"})
    return _done(request, portfolio, lambda user, found: actions.change_criterion(user, found, criterion, values, asked.seen))


@router.delete(ONE + "/criteria/{int:criterion}", response=PortfolioOut)
def remove_criterion(request: HttpRequest, portfolio: UUID, criterion: int) -> Portfolio:
    """Ask for it no longer."""
    return _done(request, portfolio, lambda user, found: actions.remove_criterion(user, found, criterion))


@router.post(ONE + "/submit", response=PortfolioOut)
def submit_portfolio(request: HttpRequest, portfolio: UUID) -> Portfolio:
    """Ask for a review. From here on it stands still."""
    return _done(request, portfolio, actions.submit)


@router.post(ONE + "/withdraw", response=PortfolioOut)
def withdraw_portfolio(request: HttpRequest, portfolio: UUID) -> Portfolio:
    """Take it back out of review, to change it."""
    return _done(request, portfolio, actions.withdraw)


@router.post(ONE + "/approve", response=PortfolioOut)
def approve_portfolio(request: HttpRequest, portfolio: UUID, asked: Approval) -> Portfolio:
    """Approve this version. Reviewers and administrators only, and never of what they made, changed last or submitted."""
    return _decided(request, portfolio, lambda user, found: actions.approve(
        user, found, asked.version, asked.text, asked.although))


@router.post(ONE + "/request-changes", response=PortfolioOut)
def request_changes(request: HttpRequest, portfolio: UUID, asked: Wish) -> Portfolio:
    """Send this version back, saying what is to be mended."""
    return _decided(request, portfolio, lambda user, found: actions.request_changes(user, found, asked.version, asked.text))


@router.get(ONE + "/decisions", response=Page[DecisionOut])
def list_decisions(request: HttpRequest, portfolio: UUID, asked: Annotated[Paging, Query()]) -> dict[str, Any]:
    """Who judged which version how."""
    return paged(_seen(request, portfolio).decisions.defer("board").order_by("pk"), asked)


@router.get(ONE + "/comments", response=Page[CommentOut])
def list_comments(request: HttpRequest, portfolio: UUID, asked: Annotated[Paging, Query()]) -> dict[str, Any]:
    """What was said of it, the oldest first."""
    rows = _seen(request, portfolio).comments.select_related("author", "resolved_by").order_by("pk")
    return paged(rows, asked)


@router.post(ONE + "/comments", response={201: CommentOut})
def make_comment(request: HttpRequest, portfolio: UUID, asked: CommentIn) -> Status[Any]:
    """Say something in Markdown; with a criterion and a variant, of that cell."""
    user, found = teams.person(request), _held(request, portfolio)
    return Status(201, actions.comment(user, found, asked.text, asked.criterion, asked.variant))


@router.patch(ONE + "/comments/{int:comment}", response={204: None})
def edit_comment(request: HttpRequest, portfolio: UUID, comment: int, asked: Text) -> Status[Any]:
    """Your own only."""
    actions.edit_comment(teams.person(request), _held(request, portfolio), comment, asked.text)
    return Status(204, None)


@router.delete(ONE + "/comments/{int:comment}", response={204: None})
def delete_comment(request: HttpRequest, portfolio: UUID, comment: int) -> Status[Any]:
    """Your own only."""
    actions.delete_comment(teams.person(request), _held(request, portfolio), comment)
    return Status(204, None)


@router.post(ONE + "/comments/{int:comment}/resolve", response={204: None})
def resolve_comment(request: HttpRequest, portfolio: UUID, comment: int, asked: Resolution) -> Status[Any]:
    """Mark it as settled, or open it again."""
    actions.resolve(teams.person(request), _held(request, portfolio), comment, asked.done)
    return Status(204, None)


def _seen(request: HttpRequest, pk: UUID) -> Portfolio:
    found: Portfolio = get_object_or_404(Portfolio.objects.visible_to(teams.person(request)), pk=pk)
    return found


def _held(request: HttpRequest, pk: UUID) -> Portfolio:
    found: Portfolio = get_object_or_404(Portfolio.objects.editable_by(teams.person(request)), pk=pk)
    return found


def _done(request: HttpRequest, pk: UUID, action: Action) -> Portfolio:
    action(teams.person(request), _held(request, pk))
    return _seen(request, pk)


def _decided(request: HttpRequest, pk: UUID, action: Action) -> Portfolio:
    """For whoever may decide in this team; the action itself refuses an author."""
    found: Portfolio = get_object_or_404(Portfolio.objects.reviewable_by(teams.person(request)), pk=pk)
    action(teams.person(request), found)
    return _seen(request, pk)
