"""Search: everything of the team whose name holds the words."""

from __future__ import annotations

from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Router
from pydantic import BaseModel, Field

from apps.accounts.wire import LONGEST_SEARCH, Told
from apps.home.search import hits

router = Router(tags=["search"])


class HitOut(Told):
    kind: str
    name: str
    about: str
    address: str = Field(description="The page that shows it.")


class Hits(BaseModel):
    items: list[HitOut]


@router.get("/search", response=Hits)
def search(request: HttpRequest, q: Annotated[str, Field(min_length=1, max_length=LONGEST_SEARCH)]) -> dict[str, Any]:
    """At most ten of each kind, of the team that is chosen or that the token is for."""
    return {"items": hits(request, q.strip()) if q.strip() else []}
