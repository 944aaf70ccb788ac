"""Codes and agents' tokens through the API: the same as on the pages, for an administrator's token."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from apps.accounts.models import Scope
from apps.devices.models import Device
from tests.apps.boards import Board, join
from tests.apps.cast import Cast


def ask(cast: Cast, method: str, path: str, body: Any = None) -> Any:
    cache.clear()
    return Client().generic(method, f"/api{path}", json.dumps(body) if body is not None else b"", content_type="application/json",
                            headers={"Authorization": f"Bearer {cast.token(Scope.ADMIN)}"})


def test_a_program_lets_a_board_join_and_closes_the_code(cast: Cast) -> None:
    made = ask(cast, "POST", "/devices/codes", {"boards": 2, "location": "lab", "labels": ["Quiet"], "tier": "edge"}).json()
    assert made["code"] in made["command"] and made["code"].startswith(made["prefix"]) and made["is_open"]
    assert join(made["code"]).status_code == 201
    device = Device.objects.get()
    assert (device.location, device.labels, device.tier) == ("lab", ["quiet"], "edge")
    [told] = ask(cast, "GET", "/devices/codes").json()["items"]
    assert told["joined"] == 1 and "code" not in told and "command" not in told
    assert ask(cast, "DELETE", f"/devices/codes/{made['id']}").status_code == 204
    assert ask(cast, "DELETE", f"/devices/codes/{made['id']}").status_code == 409
    assert join(made["code"], instance="instance-0002").status_code == 403


def test_a_program_replaces_and_ends_a_token_and_lets_the_board_join_again(cast: Cast) -> None:
    board = Board.joined(cast.alice, cast.team)
    where = f"/devices/{board.device.pk}/agent"
    assert ask(cast, "POST", f"{where}/replace-token").status_code == 204 and board.beat().json()["token"]
    assert ask(cast, "DELETE", where).status_code == 204 and board.beat().status_code == 401
    assert ask(cast, "DELETE", where).status_code == 409
    made = ask(cast, "POST", f"{where}/code").json()
    assert made["device"] == str(board.device.pk)
    assert join(made["code"], instance="new-card-0001").json()["device"]["id"] == str(board.device.pk)


@pytest.mark.parametrize("wrong", [{"boards": 0}, {"boards": 101}, {"tier": "moon"}, {"labels": ["a b"]}, {"location": "x" * 121},
                                   {"device": "x"}])
def test_a_code_that_cannot_be_is_a_422(cast: Cast, wrong: dict[str, Any]) -> None:
    assert ask(cast, "POST", "/devices/codes", wrong).status_code == 422
