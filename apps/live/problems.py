"""Errors as application/problem+json (RFC 9457): what was wrong, where, what was got, what is allowed."""

from __future__ import annotations

from django.http import JsonResponse

MEDIA_TYPE = "application/problem+json"


def problem(status: int, title: str, **more: object) -> JsonResponse:
    """An application/problem+json answer; `more` adds detail, field, limit, got."""
    body = {"type": "about:blank", "title": title, "status": status, **more}
    return JsonResponse(body, status=status, content_type=MEDIA_TYPE)
