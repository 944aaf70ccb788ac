"""Guards around every view: a body over the limit is refused before it is read, a secret never reaches a log."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

SECRET_PATHS = ("/enter/",)
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


def tells_no_secret(record: logging.LogRecord) -> bool:
    """For a logging filter: keep every line but those that name a path with a secret in it."""
    return not any(path in record.getMessage() for path in SECRET_PATHS)
