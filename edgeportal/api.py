"""The REST API: mounts each app's router, and says every error as application/problem+json."""

from __future__ import annotations

from dataclasses import asdict
from functools import cached_property, wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver
from django.views.decorators.http import require_safe
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, Throttled, ValidationError
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation

from apps.accounts.api import router as accounts
from apps.accounts.bearer import AUTH
from apps.accounts.refusal import Conflict, Refused
from apps.catalog.api import router as catalog
from apps.catalog.budgets_api import router as budgets
from apps.catalog.derived_api import router as derived_files
from apps.catalog.uploading import TooLarge
from apps.catalog.uploads_api import router as uploads
from apps.deployments.agents_api import router as networks_of_agents
from apps.deployments.api import router as deployments
from apps.devices.agents_api import router as agents
from apps.devices.api import router as devices
from apps.devices.boards.unwelcome import Unwelcome
from apps.devices.codes_api import router as codes
from apps.devices.links.api import router as links
from apps.devices.profiles import Faulty
from apps.devices.profiles_api import router as profiles
from apps.experiments.api import router as experiments
from apps.experiments.boards_api import router as boards
from apps.experiments.hostings_api import router as hostings
from apps.experiments.relaying_api import router as relaying
from apps.home.api import router as search
from apps.live.api import router as streams
from apps.live.asking import Silent
from apps.live.problems import problem
from apps.plans.api import router as plans
from apps.portfolios.api import router as portfolios
from apps.portfolios.desk import Forbidden
from edgeportal.complaints import by_field
from edgeportal.openapi import with_problems
from edgeportal.rate import PerToken
from edgeportal.strict_json import StrictParser, Unreadable

ABOUT = "Everything the pages do, for programs. Send a token as `Authorization: Bearer ep_...`; make one on the account page."


class Api(NinjaAPI):
    """Ninja with our manners: no sign-in page for programs, unknown query fields refused, every error documented."""

    def _get_urls(self) -> list[URLResolver | URLPattern]:
        for router in self._get_bound_routers():
            for view in router.path_operations.values():
                for operation in view.operations:
                    operation.view_func = _known_fields_only(operation)
        urls: list[Any] = super()._get_urls()
        for route in urls:
            # The API itself asks who is there, and says 401 in its own words.
            route.callback = login_not_required(_read_only(route) if route.name == "openapi-json" else route.callback)
        return urls

    def get_openapi_operation_id(self, operation: Operation) -> str:
        return operation.view_func.__name__

    def get_openapi_schema(self, **how: Any) -> OpenAPISchema:
        return self._documented

    @cached_property
    def _documented(self) -> OpenAPISchema:
        return with_problems(super().get_openapi_schema())


def _read_only(route: Any) -> Any:
    return require_safe(route.callback)


def _known_fields_only(operation: Operation) -> Any:
    """Refuse a query field that the route does not know, and name those it does: a misspelt filter filters nothing."""
    view = operation.view_func
    models: Any = [model for model in operation.models if model.__ninja_param_source__ == "query"]
    allowed = sorted({name for model in models for name in model.__ninja_flatten_map__})

    @wraps(view)
    def careful(request: HttpRequest, **values: Any) -> Any:
        strange = sorted(set(request.GET) - set(allowed))
        if strange:
            there_are = f"; there are: {', '.join(allowed)}" if allowed else "; this route takes none"
            raise Refused({name[:80].replace("\x00", ""): f"is not known here{there_are}" for name in strange[:20]})
        return view(request, **values)

    return careful


api = Api(title="EdgePortal", version="1", description=ABOUT, auth=AUTH, throttle=PerToken(), parser=StrictParser(),
          urls_namespace="api", docs_url=None)
for router in (accounts, catalog, budgets, derived_files, codes, devices, deployments, links, experiments, plans, portfolios,
               profiles, search):
    api.add_router("", router)
api.add_router("/streams", streams)
api.add_router("/agent", agents)
api.add_router("/agent", boards)
api.add_router("/agent", hostings)
api.add_router("/agent", relaying)
api.add_router("/agent", networks_of_agents)
api.add_router("", uploads)


@api.exception_handler(Http404)
def _not_there(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    return problem(404, "There is no such thing, or not for you.")


@api.exception_handler(AuthenticationError)
def _nobody(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    answer = problem(401, "Sign in, or send a valid token.")
    answer["WWW-Authenticate"] = "Bearer"
    return answer


@api.exception_handler(Throttled)
def _too_often(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    return problem(429, "Too many requests with this token; wait as long as Retry-After says.")


@api.exception_handler(HttpError)
def _known(request: HttpRequest, error: Any) -> HttpResponse:
    """Ninja wraps whatever its parser raised; what we know better we say better."""
    if isinstance(error.__cause__, Unreadable):
        return _unreadable(request, error.__cause__)
    if str(error) == "CSRF check Failed":
        cookie = settings.CSRF_COOKIE_NAME
        return problem(403, f"The CSRF token is missing or old: send the cookie `{cookie}` as the header X-CSRFToken.")
    return problem(error.status_code, str(error))


@api.exception_handler(Unreadable)
def _unreadable(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(error.status, error.title, **error.more)


@api.exception_handler(RequestDataTooBig)
def _too_large(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    return problem(413, "The request is too large.")


@api.exception_handler(TooLarge)
def _no_room(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(413, error.errors["size_bytes"], field="size_bytes", limit=error.limit, got=error.got)


@api.exception_handler(Refused)
def _refused(request: HttpRequest, error: Any) -> HttpResponse:
    """What an action refused: fields that do not fit are a 422; a thing that is not in the state for it, a 409."""
    field, text = next(iter(error.errors.items()))
    conflict = isinstance(error, Conflict) or not any(error.errors)
    return problem(409 if conflict else 422, text, field=field or None, errors=error.errors)


@api.exception_handler(Silent)
def _silent(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    """Who plans did not answer in time: nothing was wrong with the question."""
    answer = problem(503, str(error))
    answer["Retry-After"] = "5"
    return answer


@api.exception_handler(Unwelcome)
def _unwelcome(request: HttpRequest, error: Any) -> HttpResponse:
    """What an agent is told; how long it shall wait stands in the header."""
    answer = problem(error.status, error.title, **error.more)
    if error.retry_after is not None:
        answer["Retry-After"] = str(max(1, round(error.retry_after)))
    return answer


@api.exception_handler(Faulty)
def _to_mend(request: HttpRequest, error: Any) -> HttpResponse:
    """A file that cannot be used: each fault with its place, what stands there and what may."""
    faults = [asdict(fault) for fault in error.faults]
    return problem(422, str(error.faults[0]), field="text", errors=error.errors, faults=faults, more_faults=error.more)


@api.exception_handler(Forbidden)
def _not_yours(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(403, next(iter(error.errors.values())), errors=error.errors)


@api.exception_handler(ValidationError)
def _malformed(request: HttpRequest, error: Any) -> HttpResponse:
    errors = by_field(error.errors)
    field, text = next(iter(errors.items()), ("", "The request is not understood."))
    return problem(422, f"{field}: {text}" if field else text, field=field or None, errors=errors)
