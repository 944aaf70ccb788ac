"""What fits into a memory budget, for programs."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Status
from ninja.errors import HttpError
from pydantic import Field

from apps.accounts import teams
from apps.accounts.wire import Asked, Told
from apps.catalog import rehearsals
from apps.catalog.models import Variant
from worker.budgets import Fitted

router = Router()
MOST_BYTES = 10**15


class BudgetIn(Asked):
    budget_bytes: int = Field(gt=0, le=MOST_BYTES, description="What training may take at once; 130000000 is 130 MB.")


class Computing(Told):
    state: Literal["being computed"] = "being computed"


@router.get("/variants/{uuid:variant}/fit", response={200: Fitted, 202: Computing}, tags=["models"])
def get_variant_fit(request: HttpRequest, variant: UUID, asked: Annotated[BudgetIn, Query()]) -> Status[Any]:
    """Which ways of training a memory budget has room for, predicted, as `python -m worker fit` tells it. 202 while training is
    rehearsed, once for a variant: ask again in a second. 404 with the reason where nobody can say."""
    found: Variant = get_object_or_404(Variant.objects.visible_to(teams.person(request)), pk=variant)
    looked = rehearsals.look(found)
    if looked.why:
        raise HttpError(404, looked.why)
    if looked.needs is None:
        return Status(202, Computing())
    return Status(200, rehearsals.fitted(looked.needs, asked.budget_bytes))
