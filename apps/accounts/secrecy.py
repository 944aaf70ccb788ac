"""Secrets of links: made here, shown once, kept as their SHA-256; the pages that carry them leave no trace."""

from __future__ import annotations

import hashlib
import secrets

from django.http import HttpResponse


def fresh() -> tuple[str, str]:
    """A secret of 256 bits for an address, and what the database keeps of it."""
    secret = secrets.token_urlsafe(32)
    return secret, digest(secret)


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def private(response: HttpResponse) -> HttpResponse:
    """Neither a cache nor another site learns the address or what stands on the page.

    Not `no-referrer`: a browser sends the forms of such a page without an origin, and Django refuses them.
    """
    response["Referrer-Policy"] = "same-origin"
    response["Cache-Control"] = "no-store"
    return response
