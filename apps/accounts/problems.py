"""Pages for requests that were turned away before a view saw them: too many, or without a good CSRF token."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from apps.accounts.secrecy import private

WAIT_S = 300
HIDDEN = ("csrf", "password", "secret", "token", "code")
LONGEST = 20_000


def too_many(request: HttpRequest, *args: Any) -> HttpResponse:
    """429, with how long to wait."""
    answer = render(request, "429.html", {"minutes": WAIT_S // 60}, status=429)
    answer["Retry-After"] = str(WAIT_S)
    return answer


def csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403, with everything that was typed, for copying; but no password."""
    typed = [(name, value[:LONGEST]) for name, values in request.POST.lists() for value in values
             if value.strip() and not any(word in name.lower() for word in HIDDEN)]
    return private(render(request, "403_csrf.html", {"typed": typed[:50]}, status=403))


def limits_unknown(request: HttpRequest) -> HttpResponse:
    """503: without the counts of attempts nobody may try a password."""
    answer = render(request, "accounts/cannot_now.html", {
        "why": "The portal cannot count attempts to sign in at the moment, so it takes none. It tries again by itself; who is "
               "signed in already can go on."}, status=503)
    answer["Retry-After"] = "30"
    return answer


def provider_silent(request: HttpRequest, name: str) -> HttpResponse:
    """503: the organisation's sign-in does not answer."""
    answer = render(request, "accounts/cannot_now.html", {
        "why": f"The sign-in of {name} does not answer. Try again in a minute, or sign in with your password."}, status=503)
    answer["Retry-After"] = "60"
    return answer
