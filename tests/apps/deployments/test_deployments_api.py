"""Programs send networks to boards and read what became of them, with a team's token."""

from __future__ import annotations

import json
from typing import Any, get_args

import pytest
from django.test import Client

from apps.accounts.models import Scope
from apps.deployments.api import DeploymentState
from apps.deployments.models import Kind, State
from apps.experiments.models import Run
from tests.apps.cast import Cast
from tests.apps.deployments.sent import HASHES, Porch
from worker import addressed


@pytest.fixture
def ask(cast: Cast) -> Any:
    token = cast.token(Scope.ADMIN)

    def asked(method: str, path: str, body: object = None, **headers: str) -> Any:
        return Client().generic(method, f"/api{path}", json.dumps(body) if body is not None else "", headers={
            "Authorization": f"Bearer {token}"} | headers, content_type="application/json")

    return asked


def test_a_first_network_and_all_updates_are_sent_and_listed(ask: Any, porch: Porch, dpu: Run) -> None:
    path = f"/devices/{porch.board.device.pk}/deployments"
    first = ask("POST", path, {"run": str(dpu.pk), "first": True})
    assert first.status_code == 201
    rest = ask("POST", path, {"run": str(dpu.pk), "rounds": None})
    assert [each["round"] for each in rest.json()] == [1, 2, 3]
    listed = ask("GET", f"/deployments?device={porch.board.device.pk}&state=waiting").json()
    assert (listed["total"], [each["number"] for each in listed["items"]]) == (4, [4, 3, 2, 1])
    assert ask("GET", "/deployments?state=taken").json()["total"] == 0


def test_what_a_device_serves_is_told(ask: Any, porch: Porch, dpu: Run) -> None:
    path = f"/devices/{porch.board.device.pk}"
    assert ask("GET", f"{path}/network").json()["number"] is None
    sent = ask("POST", f"{path}/deployments", {"run": str(dpu.pk), "first": True}).json()[0]
    porch.takes(porch.beat() or {}, tried=False)
    told = ask("GET", f"{path}/network").json()
    assert (told["number"], told["sha256"], told["cannot"]) == (1, HASHES[0], "")
    assert told["heard"] is not None
    row = ask("GET", f"/deployments/{sent['id']}").json()
    assert (row["state"], row["tried"], row["run_number"]) == ("taken", False, dpu.number)


def test_what_cannot_be_sent_is_a_409_with_the_sentence(ask: Any, porch: Porch, dpu: Run) -> None:
    answer = ask("POST", f"/devices/{porch.board.device.pk}/deployments", {"run": str(dpu.pk)})
    assert answer.status_code == 409
    assert "serves no network" in answer.json()["title"]


def test_what_waits_is_withdrawn(ask: Any, porch: Porch, dpu: Run) -> None:
    sent = ask("POST", f"/devices/{porch.board.device.pk}/deployments", {"run": str(dpu.pk), "first": True}).json()[0]
    assert ask("POST", f"/deployments/{sent['id']}/withdraw").json()["state"] == "withdrawn"
    assert ask("POST", f"/deployments/{sent['id']}/withdraw").status_code == 409
    assert porch.beat() is None


@pytest.mark.parametrize("scope, status", [(Scope.READ, 404), (Scope.WRITE, 404), (Scope.REVIEW, 404), (Scope.ADMIN, 201)])
def test_a_token_must_lead(cast: Cast, ask: Any, porch: Porch, dpu: Run, scope: Scope, status: int) -> None:
    answer = ask("POST", f"/devices/{porch.board.device.pk}/deployments", {"run": str(dpu.pk), "first": True},
                 Authorization=f"Bearer {cast.token(scope)}")
    assert answer.status_code == status


def test_the_schema_names_every_kind_and_every_state() -> None:
    assert set(get_args(addressed.Kind)) == set(Kind.values)
    assert set(get_args(DeploymentState)) == set(State.values)
