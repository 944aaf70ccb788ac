"""The poll: the same rows as the socket, for whoever has none."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET

from apps.live.models import Stream
from apps.live.problems import problem
from apps.live.reading import PAGE, BadPosition, position, row, rows_after


@login_not_required
@require_GET
def events(request: HttpRequest, stream_id: UUID) -> HttpResponse:
    """GET ?after=N: {"events": [...], "head": N, "more": bool}."""
    if not request.user.is_authenticated:
        return problem(401, "Sign in first.")
    head = Stream.objects.visible_to(request.user).filter(pk=stream_id).values_list("head", flat=True).first()
    if head is None:
        return problem(404, "There is no such stream.")
    try:
        after = position(request.GET.get("after", "0"))
    except BadPosition as bad:
        return problem(422, str(bad), field="after", got=request.GET["after"][:40])
    rows = rows_after(stream_id, after)
    body = {"events": [row(event) for event in rows], "head": head, "more": len(rows) == PAGE}
    response = JsonResponse(body)
    response["Cache-Control"] = "no-store"
    return response
