"""What a visitor is told when we break: a number to quote, never a library's text; a file that is gone is said to be gone."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.views.defaults import bad_request

from apps.catalog.blobs import Away, Unreadable
from apps.live.problems import problem

log = logging.getLogger(__name__)
GONE = "This file is no longer in the store, or its bytes are damaged."
AWAY = "The store of files does not answer now. Try again in a minute."
BROKEN = "Something broke on our side."
NO_DATABASE = "The database does not answer now. Nothing that was saved is lost."
RETRY_S = 5


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


def unreadable(request: HttpRequest, exception: Exception) -> HttpResponse:
    """The answer to what is no request; of a form that holds too much, that it does, and how much it may hold."""
    if not isinstance(exception, RequestDataTooBig):
        return bad_request(request, exception)
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    return HttpResponse(loader.get_template("413.html").render({"most": most}), status=413)


def broken(request: HttpRequest) -> HttpResponse:
    """The answer to whatever nobody foresaw; the log has the rest under the same number.

    A database that is away may fail a request anywhere, in the middleware too; only here all of these come by.
    """
    if not isinstance(sys.exception(), InterfaceError | OperationalError):
        return _told(request, 500, BROKEN)
    answer = _told(request, 503, NO_DATABASE)
    answer["Retry-After"] = str(RETRY_S)
    return answer


def _told(request: HttpRequest, status: int, text: str) -> HttpResponse:
    number = getattr(request, "about", {}).get("request", "")
    if request.path.startswith("/api/"):
        return problem(status, text, request_id=number)
    page = loader.get_template({500: "500.html"}.get(status, "file_gone.html"))
    title = "EdgePortal cannot answer now" if text == NO_DATABASE else "This file cannot be had"
    return HttpResponse(page.render({"text": text, "number": number, "title": title}), status=status)
