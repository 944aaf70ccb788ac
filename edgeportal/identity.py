"""Every request has a number, and every line that is logged for it carries the number and who asked."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable

from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse

from apps.live.about import about, saying

log = logging.getLogger(__name__)
REQUEST_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def request_id(respond: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: give every request an id, a trusted proxy's or a new one, and give it back as X-Request-ID."""

    def known(request: HttpRequest) -> HttpResponse:
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        begun = time.monotonic()
        # One mapping for all threads of the request: the person's id is added when it is known.
        with saying(request=request_id) as facts:
            request.about = facts  # type: ignore[attr-defined]
            response = respond(request)
            response["X-Request-ID"] = request_id
            log.info("%s %s %d in %.0f ms", request.method, request.path, response.status_code,
                     1000 * (time.monotonic() - begun))
            return response

    return known


def user_id(respond: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware, after the sessions: say in the log who asks."""

    def known(request: HttpRequest) -> HttpResponse:
        facts = about.get()
        if facts is not None and request.session.session_key:
            facts["user"] = str(request.session.get(SESSION_KEY, ""))
        return respond(request)

    return known
