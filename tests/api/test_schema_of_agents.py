"""The routes of agents, asked by an agent that holds a run, with what their schemas allow and with what they do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.generation.modes import GenerationMode

from apps.accounts.models import Team
from apps.experiments.models import Run, Status
from tests.api.test_schema import CHECKS, ROUTES, _takes, one_connection  # noqa: F401  a fixture
from tests.apps.boards import Board, prepared
from tests.apps.house import House, undone

pytestmark = pytest.mark.django_db
AGENTS = [name for name in ROUTES if name.endswith("_as_board")]


@pytest.fixture
def held(house: House, tmp_path: Path, settings: Any) -> tuple[Board, Run]:
    """A board of Alice's team, and the run that it holds."""
    settings.RUNS = tmp_path / "runs"
    board = Board.joined(house.cast.alice, house.cast.team)
    run = prepared(board.device)
    Team.objects.filter(pk=house.cast.team.pk).update(runs_numbered=run.number)
    board.claim()
    run.refresh_from_db()
    assert run.status == Status.RUNNING
    # The test client has connected it again: the connection outlives the requests here, so that each can be undone.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    return board, run


def test_every_route_of_agents_is_asked() -> None:
    assert {name.removesuffix("_as_board") for name in AGENTS} == {
        "join", "beat", "claim", "get_file", "say_events", "release", "get_hosts", "say_slice", "get_file_of_slice", "make_call",
        "get_call", "get_piece", "put_piece", "get_update", "get_batch",
        "say_outcome"}, "put_output takes a path, and has tests of its own"


@pytest.mark.parametrize("name", AGENTS)
def test_a_route_of_agents_keeps_what_its_schema_promises(held: tuple[Board, Run], name: str) -> None:
    board, run = held
    headers = {"Authorization": f"Bearer {board.token}", "X-EdgePortal-Agent": board.version,
               "X-EdgePortal-Instance": board.instance}
    cases = st.one_of([ROUTES[name].as_strategy(generation_mode=mode) for mode in GenerationMode if _takes(name, mode)])

    @settings(max_examples=25, derandomize=True, deadline=None, database=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))
    @given(cases, st.booleans())
    def holds(case: Any, is_real: bool) -> None:
        if is_real:
            known = {"run": str(run.pk), "sha256": run.order["files"][0]["sha256"]}
            case.path_parameters = {key: known.get(key, value) for key, value in (case.path_parameters or {}).items()}
            if isinstance(case.body, dict) and "lease" in case.body:
                case.body = case.body | {"lease": run.token}
        case.headers = {**headers}
        with undone():
            case.validate_response(case.call(), checks=CHECKS)

    holds()
