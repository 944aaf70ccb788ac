"""Profiles over the API: brought as text, listed newest first, told fault by fault, taken away, downloaded."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import Scope
from apps.devices.models import Device, Profile
from tests.apps.cast import Cast

TEXT = "network,first,last,seconds,output_bytes\nnet,a,b,0.5,4\n"


@pytest.fixture
def board(cast: Cast) -> Device:
    return Device.objects.create(team=cast.team, name="board")


def ask(cast: Cast, method: str, path: str, scope: Scope = Scope.WRITE, **body: Any) -> Any:
    headers = {"Authorization": f"Bearer {cast.token(scope)}"}
    how: dict[str, Any] = {"data": body, "content_type": "application/json"} if body else {}
    return getattr(Client(), method)(f"/api{path}", headers=headers, **how)


def test_a_file_comes_in_and_is_listed_and_leaves(cast: Cast, board: Device) -> None:
    looked = ask(cast, "post", "/profiles", text=TEXT, device=str(board.pk), look=True)
    assert looked.status_code == 200 and looked.json()["profiles"] == [
        {"network": "net", "blocks": 1, "total_ms": 500, "state": "new"}] and not Profile.objects.exists()
    assert ask(cast, "post", "/profiles", text=TEXT, device=str(board.pk)).status_code == 201
    assert ask(cast, "post", "/profiles", text=TEXT, device=str(board.pk)).status_code == 200  # The same makes nothing.
    ask(cast, "post", "/profiles", text=TEXT.replace("0.5", "0.7"), device=str(board.pk))
    newest = ask(cast, "get", "/profiles", Scope.READ).json()["items"]
    assert [each["total_ms"] for each in newest] == [700]
    assert ask(cast, "get", "/profiles?history=true&network=net", Scope.READ).json()["total"] == 2
    whole = ask(cast, "get", f"/profiles/{newest[0]['id']}", Scope.READ).json()
    assert whole["body"]["blocks"][0]["seconds"] == 0.7
    assert b"net,a,b,0.7,4" in ask(cast, "get", f"/devices/{board.pk}/profiles/file?form=csv", Scope.READ).content
    assert ask(cast, "delete", f"/profiles/{newest[0]['id']}").status_code == 204
    assert ask(cast, "get", "/profiles", Scope.READ).json()["items"][0]["total_ms"] == 500


def test_each_fault_has_its_place(cast: Cast, board: Device) -> None:
    said = ask(cast, "post", "/profiles", text=TEXT.replace("0.5", "-1"), device=str(board.pk))
    assert said.status_code == 422 and said["Content-Type"] == "application/problem+json"
    assert said.json()["faults"] == [
        {"key": "seconds", "got": "-1", "allowed": "a number between 0 and 3,600", "line": 2, "column": 9}]


@pytest.mark.parametrize(("change", "status", "field"), [
    ({"device": "00000000-0000-0000-0000-000000000000"}, 422, "device"), ({"text": TEXT, "device": None}, 422, "device"),
    ({"text": ""}, 422, "text"), ({"text": "x" * 1_000_001}, 422, "text"), ({"form": "scission"}, 422, "form"),
])
def test_what_does_not_fit_is_said_at_its_field(
    cast: Cast, board: Device, change: dict[str, Any], status: int, field: str,
) -> None:
    said = ask(cast, "post", "/profiles", **{"text": TEXT, "device": str(board.pk)} | change)
    assert said.status_code == status and field in said.json()["errors"], said.json()
    assert not Profile.objects.exists()
