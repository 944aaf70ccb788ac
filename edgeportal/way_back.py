"""Whoever reloads the answer of a form stands at an address that only takes forms: the page it belongs to is shown instead."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import Resolver404, resolve


def way_back(respond: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: a signed-in person's browser that opens such an address is led to the nearest address above it."""

    def answering(request: HttpRequest) -> HttpResponse:
        answer = respond(request)
        if answer.status_code == 405 and _is_opened(request):
            return HttpResponseRedirect(above(request.path_info))
        return answer

    return answering


def above(path: str) -> str:
    """The next address above; where that only takes forms too, the browser is led on from there."""
    while path.count("/") > 2:
        path = path.rstrip("/").rpartition("/")[0] + "/"
        try:
            resolve(path)
        except Resolver404:
            continue
        return path
    return "/"


def _is_opened(request: HttpRequest) -> bool:
    """By a person, as a page: no script, no program, no fragment asks like this."""
    opens = request.method == "GET" and request.headers.get("Sec-Fetch-Mode") == "navigate"
    is_page = "text/html" in request.headers.get("Accept", "") and not request.path_info.startswith("/api/")
    return opens and is_page and request.user.is_authenticated
