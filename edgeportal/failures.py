"""What a visitor is told when we break: a number to quote, never a library's text; a file that is gone is said to be gone."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.template import loader

from apps.catalog.blobs import Away, Unreadable
from apps.live.problems import problem

log = logging.getLogger(__name__)
GONE = "This file is no longer in the store, or its bytes are damaged."
AWAY = "The store of files does not answer now. Try again in a minute."
BROKEN = "Something broke on our side."


class Failures:
    """Middleware: a file that cannot be had is 410, or 503 while the store is away."""

    def __init__(self, respond: Callable[[HttpRequest], HttpResponse]) -> None:
        self.respond = respond

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.respond(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, Unreadable):
            return None
        log.error("%s of %s: %s", type(error).__name__, request.path, error)
        return _told(request, 503, AWAY) if isinstance(error, Away) else _told(request, 410, GONE)


def broken(request: HttpRequest) -> HttpResponse:
    """The answer to whatever nobody foresaw; the log has the rest under the same number."""
    return _told(request, 500, BROKEN)


def _told(request: HttpRequest, status: int, text: str) -> HttpResponse:
    number = getattr(request, "about", {}).get("request", "")
    if request.path.startswith("/api/"):
        return problem(status, text, request_id=number)
    page = loader.get_template("500.html" if status == 500 else "file_gone.html")
    return HttpResponse(page.render({"text": text, "number": number}), status=status)
