"""Middleware: whatever fails under /api/ answers as application/problem+json, wherever in the house it failed."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from apps.live.problems import MEDIA_TYPE, problem

Respond = Callable[[HttpRequest], HttpResponse]
TITLES = {
    400: "The request is not understood.", 401: "Sign in, or send a valid token.", 403: "This is not allowed.",
    404: "There is no such thing, or not for you.", 405: "This address does not take this method.",
    413: "The request is too large.", 429: "Too many requests; wait a little.",
    500: "Something broke here; it is noted. Try again, and name the request's id when you ask about it.",
}
KEPT = ("Allow", "Retry-After", "WWW-Authenticate", "X-Request-ID")


def problem_answers(respond: Respond) -> Respond:
    def answering(request: HttpRequest) -> HttpResponse:
        answer = respond(request)
        if not request.path.startswith("/api/") or answer.status_code < 400 or answer.get("Content-Type") == MEDIA_TYPE:
            return answer
        said = problem(answer.status_code, TITLES.get(answer.status_code, "The request cannot be answered."), **_id(answer))
        for name in KEPT:
            if name in answer:
                said[name] = answer[name]
        return said

    return answering


def _id(answer: HttpResponse) -> dict[str, str]:
    return {"request_id": answer["X-Request-ID"]} if "X-Request-ID" in answer else {}
