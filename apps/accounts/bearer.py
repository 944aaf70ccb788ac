"""Who asks the API: a person by session (with the CSRF token), or a token in the Authorization header."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja.errors import AuthenticationError
from ninja.security import APIKeyCookie, HttpBearer

from apps.accounts import tokens
from apps.accounts.models import User


class ByToken(HttpBearer):
    """`Authorization: Bearer ep_...`: the person the token speaks for, held to its team and its role.

    A bad token is a 401 even beside a good session: what a program sends must not work by the accident of a cookie.
    """

    def authenticate(self, request: HttpRequest, token: str) -> User:
        user = tokens.speaker(token)
        if user is None:
            raise AuthenticationError
        request.user = user
        vars(request).pop("_team", None)
        return user


class BySession(APIKeyCookie):
    """The pages' own session; ninja checks the CSRF token of everything but reads."""

    param_name = settings.SESSION_COOKIE_NAME

    def __call__(self, request: HttpRequest) -> Any:
        """Whoever is nobody is told to sign in, not that a CSRF token is missing."""
        return super().__call__(request) if request.user.is_authenticated else None

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        return request.user if request.user.is_authenticated else None


AUTH = [ByToken(), BySession()]
