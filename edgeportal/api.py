"""The REST API: mounts each app's router, and says every error as application/problem+json."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from apps.accounts.bearer import AUTH
from apps.accounts.refusal import Refused
from apps.live.problems import problem

api = NinjaAPI(title="EdgePortal", version="1", auth=AUTH, urls_namespace="api", docs_url=None)


@api.exception_handler(Http404)
def _not_there(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    return problem(404, "There is no such thing, or not for you.")


@api.exception_handler(AuthenticationError)
def _nobody(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    answer = problem(401, "Sign in, or send a valid token.")
    answer["WWW-Authenticate"] = "Bearer"
    return answer


@api.exception_handler(HttpError)
def _known(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(error.status_code, str(error))


@api.exception_handler(Refused)
def _refused(request: HttpRequest, error: Any) -> HttpResponse:
    """What an action refused: the first field named as `field`, all of them under `errors`."""
    field, text = next(iter(error.errors.items()))
    return problem(422, text, field=field or None, errors=error.errors)


@api.exception_handler(ValidationError)
def _malformed(request: HttpRequest, error: Any) -> HttpResponse:
    errors = {".".join(map(str, each["loc"][1:])): str(each["msg"]) for each in error.errors}
    field, text = next(iter(errors.items()), ("", "The request is not understood."))
    return problem(422, text, field=field or None, errors=errors)
