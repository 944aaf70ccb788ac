"""What the API's JSON has in common: bodies that take nothing unknown, answers read from rows, lists page by page."""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from ninja import Query
from ninja.errors import AuthorizationError
from pydantic import BaseModel, ConfigDict, Field

from apps.accounts import teams
from apps.accounts.models import Team
from apps.accounts.refusal import Refused

LARGEST_PAGE = 200
LONGEST_SEARCH = 400
T = TypeVar("T")


class Asked(BaseModel):
    """A request's body: an unknown field is refused, and so is a number that is none."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class Told(BaseModel):
    """An answer, read from a row's attributes."""

    model_config = ConfigDict(from_attributes=True)


class Page(BaseModel, Generic[T]):
    """One page of a list, and how many there are in all."""

    items: list[T]
    total: int
    page: int
    page_size: int


class Paging(BaseModel):
    """Which page: from 1, and at most 200 a page."""

    page: int = Field(1, ge=1, le=100_000, description="From 1; a page after the last is empty.")
    page_size: int = Field(25, ge=1, le=LARGEST_PAGE)


class OfTeam(BaseModel):
    """Of which team; without it the one chosen in the session, or the one a token is for."""

    team: UUID | None = Field(None, description="Of this team; without it, the token's or the session's.")


class Listing(Paging, OfTeam):
    """What every list of a team's things takes."""

    q: str = Field("", max_length=LONGEST_SEARCH, description="Only those whose name holds this text.")


Listed = Annotated[Listing, Query()]


def paged(rows: QuerySet[Any], paging: Paging, tell: Any = None) -> dict[str, Any]:
    """One page of the rows, in two queries; `tell` turns the page's rows into answers, all at once."""
    total, first = rows.count(), (paging.page - 1) * paging.page_size
    found = list(rows[first:first + paging.page_size]) if first < total else []
    return {"items": tell(found) if tell else found, "total": total, "page": paging.page, "page_size": paging.page_size}


def ordered(rows: QuerySet[Any], order: str, allowed: tuple[str, ...]) -> QuerySet[Any]:
    """By one of the allowed columns, `-` before it for descending; any other is refused with the list of them."""
    if not order:
        return rows
    if order.removeprefix("-") not in allowed:
        raise Refused({"order": f"must be one of {', '.join(allowed)}, with - before it for descending; got {order[:40]!r}"})
    return rows.order_by(order, "pk")


def team_of(request: HttpRequest, asked: UUID | None) -> Team:
    """The team that was asked for, else the current one; 404 for one that is not the person's, 403 for who has none."""
    if asked is None:
        return _current(request)
    found: Team | None = Team.objects.visible_to(teams.person(request)).filter(pk=asked).first()
    if found is None:
        raise Http404
    return found


def _current(request: HttpRequest) -> Team:
    found = teams.current(request)
    if found is None:
        raise AuthorizationError(message=teams.NONE_YET)
    return found


def editable_team(request: HttpRequest, asked: UUID | None) -> Team:
    """The same, for whoever wants to make something there; 403 for a role that only looks on."""
    found = team_of(request, asked)
    if not teams.may_edit(teams.person(request), found):
        raise AuthorizationError(message="Your role in this team, or the token's, does not allow this.")
    return found


# For a route that answers with a file: nothing of it is JSON.
BINARY: dict[str, Any] = {"responses": {200: {"description": "The file.", "content": {
    "application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}}
