"""Who asks the API: a person by session (with the CSRF token), or a token in the Authorization header."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja.security import APIKeyCookie, HttpBearer

from apps.accounts.models import User


class ByToken(HttpBearer):
    """`Authorization: Bearer ep_...`: the person the token speaks for, held to its team and its role."""

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        return None


class BySession(APIKeyCookie):
    """The pages' own session; ninja checks the CSRF token of everything but reads."""

    param_name = "sessionid"

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        return request.user if request.user.is_authenticated else None


AUTH = [ByToken(), BySession()]
