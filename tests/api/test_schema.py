"""Every route, asked with what its own schema allows and with what it does not: nothing breaks, every answer is as documented.

`EDGEPORTAL_SCHEMA_EXAMPLES` says how many requests each route gets from each asker; the seed is fixed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

import edgeportal.urls  # noqa: F401  the routes are bound when the addresses are
from apps.accounts.models import Scope
from edgeportal.api import api
from tests.apps.house import House, undone
from tests.apps.things import WORD

pytestmark = pytest.mark.django_db
EXAMPLES = int(os.environ.get("EDGEPORTAL_SCHEMA_EXAMPLES", "8"))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
SCHEMA = schemathesis.openapi.from_dict(json.loads(json.dumps(api.get_openapi_schema())))
SCHEMA.app = get_wsgi_application()
# Their bodies are files, not JSON.
BINARY = {"put_upload_part", "put_output_as_board"}
OPERATIONS = [found.ok() for found in SCHEMA.get_all_operations()]
ROUTES = {each.definition.raw["operationId"]: each for each in OPERATIONS if each.definition.raw["operationId"] not in BINARY}


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """The database's connection outlives the requests, so that each can be undone."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def test_every_route_has_a_name_of_its_own() -> None:
    assert len(ROUTES) + len(BINARY) == len(OPERATIONS) == len({each.definition.raw["operationId"] for each in OPERATIONS})


@pytest.mark.parametrize("who", ["a token that leads", "a token that reads", "another team"])
@pytest.mark.parametrize("name", ROUTES)
def test_a_route_keeps_what_its_schema_promises(house: House, name: str, who: str) -> None:
    token = {"a token that leads": house.tokens.get(Scope.ADMIN), "a token that reads": house.tokens[Scope.READ]}.get(who)
    headers = {"Authorization": f"Bearer {token or house.mallorys}"}
    real = {word: str(thing.pk) for word, thing in house.things.items()} | {"recipe": "training.backprop"}
    cases = st.one_of([ROUTES[name].as_strategy(generation_mode=mode) for mode in GenerationMode if _takes(name, mode)])

    @settings(max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))
    @given(cases, st.booleans())
    def holds(case: Any, is_real: bool) -> None:
        if is_real:
            case.path_parameters = {key: real.get(key, value) for key, value in (case.path_parameters or {}).items()}
            case.body = _real(case.body, real)
        case.headers = {**headers}
        with undone():
            answer = case.call()
            assert who != "another team" or WORD not in answer.text
            case.validate_response(answer, checks=CHECKS)

    holds()


def _takes(name: str, mode: GenerationMode) -> bool:
    """A route without any input cannot be asked wrongly."""
    route = ROUTES[name]
    return mode == GenerationMode.POSITIVE or bool(route.body or route.query or route.path_parameters)


def _real(body: Any, real: dict[str, str]) -> Any:
    """The body with ids of things that are there."""
    if not isinstance(body, dict):
        return body
    many = {"variants": [real["variant"]], "params": {"model": real["variant"], "dataset": real["dataset"], "epochs": 1}}
    known = {**many, **{name: real[name] for name in ("team", "variant", "recipe")}, "email": "new@example.org"}
    return {key: known.get(key, value) for key, value in body.items()}
