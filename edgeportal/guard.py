"""Guards around every view: a body over the limit is refused before it is read."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

Respond = Callable[[HttpRequest], HttpResponse]


def body_limit(respond: Respond) -> Respond:
    """Middleware: 413 with both numbers when Content-Length is over BODY_LIMIT_BYTES."""

    def guarded(request: HttpRequest) -> HttpResponse:
        got = request.headers.get("Content-Length", "")
        if got.isdigit() and int(got) > settings.BODY_LIMIT_BYTES:
            problem = {"type": "about:blank", "title": "The request is too large.", "status": 413,
                       "limit": settings.BODY_LIMIT_BYTES, "got": int(got)}
            return JsonResponse(problem, status=413, content_type="application/problem+json")
        return respond(request)

    return guarded
