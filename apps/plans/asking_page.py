"""What the planner's page and that of joint plans share: asking once, and saying to programs what came of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest, JsonResponse
from pydantic import BaseModel

from apps.live.asking import Silent, Superseded, TooLong

SILENCE, NOT_PLANNED = "The planner does not answer.", "This cannot be planned."
LONGEST_TAB = 40


def topic(request: HttpRequest, page: str) -> str:
    """Of one tab's questions only the newest is wanted."""
    tab = request.headers.get("X-Tab", "")[:LONGEST_TAB]
    return f"{page} {request.user.pk} {tab}" if tab else ""


def outcome(ask: Callable[[], BaseModel]) -> dict[str, Any]:
    """The answer, or why there is none, as what was looked at keeps it. Raises Refused."""
    try:
        return {"answer": ask()}
    except Superseded:
        return {"silent": True, "late": True}
    except TooLong as given_up:
        return {"too_long": str(given_up)}
    except Silent:
        return {"silent": True}


def as_json(answer: BaseModel | None, faults: Mapping[str, str], too_long: str) -> JsonResponse:
    """The answer; 422 with what is wrong field by field, 503 when the planner does not answer."""
    if faults:
        return problem(422, NOT_PLANNED, fields=dict(faults))
    if answer is None:
        return problem(503, too_long or SILENCE)
    return JsonResponse(answer.model_dump(mode="json"))


def no_table(silent: bool, too_long: str) -> JsonResponse:
    """Why there are no lines."""
    return problem(503, too_long or SILENCE) if silent or too_long else problem(422, "There is no plan.")


def problem(status: int, title: str, **more: Any) -> JsonResponse:
    return JsonResponse({"type": "about:blank", "title": title, "status": status, **more}, status=status,
                        content_type="application/problem+json")
