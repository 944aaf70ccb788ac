"""A run's page sends its network to a board; the board's page says what it serves and what each update took."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from apps.accounts import signing
from apps.catalog import blobs
from apps.deployments import settling
from apps.deployments.models import Deployment
from apps.devices.models import Agent
from apps.experiments.models import Run, RunFile, Status
from tests.apps.boards import Board
from tests.apps.cast import Cast
from worker.addressed.offered import KEY, First, Offered, Update

FIRST, CHANGE = b"the whole network" * 500, b"what changed" * 10
SERVED = [hashlib.sha256(name).hexdigest() for name in (FIRST, b"second", b"third")]


@pytest.fixture
def board(cast: Cast, tmp_path: Path, settings: Any) -> Board:
    settings.BLOBS, settings.SIGNING_KEY_FILE = tmp_path / "blobs", tmp_path / "signing-key"
    cache.clear()
    made = Board.joined(cast.alice, cast.team)
    serves(made)
    return made


@pytest.fixture
def run(cast: Cast, board: Board, tmp_path: Path) -> Run:
    """One that has finished, with two updates."""
    updates = [Update(round=1, path="1.change", base=SERVED[0], result=SERVED[1], right=9),
               Update(round=2, path="2.change", base=SERVED[1], result=SERVED[2], right=9)]
    offer = Offered(first=First(path="first.onnx", sha256=SERVED[0], right=9), updates=updates)
    made = cast.run(Status.FINISHED, recipe="updating.dpu", params={"model": "resnet20"}, summary={KEY: offer.model_dump()})
    for path, body in (("first.onnx", FIRST), ("1.change", CHANGE), ("2.change", CHANGE + b"!")):
        (tmp_path / path).write_bytes(body)
        RunFile.objects.create(run=made, path=path, name=path, blob=blobs.keep(tmp_path / path))
    return made


def serves(board: Board, number: int | None = None, sha256: str = "") -> None:
    board.beat(network={"number": number, "sha256": sha256, "first_sha256": SERVED[0] if number else "",
                        "key": signing.fingerprint()})


def takes(board: Board, state: str = "taken", reason: str = "") -> None:
    """Whatever waits first, as its agent says it."""
    row = Deployment.objects.filter(state="waiting").order_by("number")[0]
    settling.hear(Agent.objects.get(device=board.device), row.pk, state, reason, tried=False)
    if state == "taken":
        serves(board, row.number, row.result_sha256)


def shown(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def post(client: Client, run: Run, board: Board, what: str, **more: str) -> str:
    answer = client.post(f"/runs/{run.pk}/boards/{what}/", {"device": str(board.device.pk), **more}, follow=True)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_a_runs_page_leads_to_what_boards_can_take_of_it(cast: Cast, client: Client, run: Run, board: Board) -> None:
    client.force_login(cast.alice)
    assert f"/runs/{run.pk}/boards/" in shown(client, f"/runs/{run.pk}/")
    page = shown(client, f"/runs/{run.pk}/boards/")
    assert "Send its first network" in page and ">pi</a>" in page and "online" in page
    assert "8,500 bytes" in page  # the whole network, beside 120 bytes of an update


def test_a_board_begins_with_the_first_network_and_its_page_says_so(cast: Cast, client: Client, run: Run, board: Board) -> None:
    client.force_login(cast.alice)
    assert "The first network of run 1 waits for pi" in post(client, run, board, "first")
    networks = f"/devices/{board.device.pk}/networks/"
    assert "no network yet" in shown(client, networks) and "waiting" in shown(client, networks)
    takes(board)
    page = shown(client, networks)
    assert "<b>resnet20</b>, the first network of <a" in page and SERVED[0] in page and "not tried on the board" in page
    assert "Send the update of round 1 of run 1" in page and "Send all 2 that are left" in page


def test_the_bytes_of_updates_stand_against_sending_everything(cast: Cast, client: Client, run: Run, board: Board) -> None:
    client.force_login(cast.alice)
    post(client, run, board, "first")
    takes(board)
    assert "The updates of rounds 1 to 2 of run 1 wait for pi" in post(client, run, board, "updates", rounds="all")
    takes(board)
    takes(board)
    page = shown(client, f"/devices/{board.device.pk}/networks/")
    first, second = Deployment.objects.filter(kind="change").order_by("number")
    share = (first.sent_bytes + second.sent_bytes) / (first.everything_bytes + second.everything_bytes)
    assert f"2 taken in {first.sent_bytes + second.sent_bytes} bytes" in page and f"{100 * share:.1f} %" in page
    assert 0 < share < 0.1
    assert "Nothing of run 1 is left to send" in page and "<b>resnet20</b>, round 2 of <a" in page


def test_one_that_was_refused_says_why_and_takes_those_behind_it_along(
    cast: Cast, client: Client, run: Run, board: Board,
) -> None:
    client.force_login(cast.alice)
    post(client, run, board, "first")
    takes(board)
    post(client, run, board, "updates", rounds="all")
    takes(board, "refused", "Of the stored batch it gets 1 of 64 images right.")
    page = shown(client, f"/devices/{board.device.pk}/networks/")
    assert "gets 1 of 64 images right" in page and "refused number 2, on which it builds" in page
    assert "<b>resnet20</b>, the first network of <a" in page


def test_what_waits_can_be_taken_back(cast: Cast, client: Client, run: Run, board: Board) -> None:
    client.force_login(cast.alice)
    post(client, run, board, "first")
    row = Deployment.objects.get()
    page = client.post(f"/deployments/{row.pk}/withdraw/", follow=True).content.decode()
    assert "Number 1 and what builds on it is not sent" in page
    assert "withdrawn" in shown(client, f"/devices/{board.device.pk}/networks/")
    again = client.post(f"/deployments/{row.pk}/withdraw/", follow=True).content.decode()
    assert "It waits no longer: it is withdrawn" in again


@pytest.mark.parametrize(("sent", "said"), [
    ({"rounds": "some"}, "How many updates: a whole number, or all; got some."), ({"rounds": "0"}, "From 1 to 1,000; got 0."),
    ({"rounds": "9" * 400}, "From 1 to 1,000; got"), ({}, "serves no network, and no update of run 1 begins there"),
    ({"device": "nobody"}, "Choose a board."),
])
def test_what_cannot_be_sent_is_said(
    cast: Cast, client: Client, run: Run, board: Board, sent: dict[str, str], said: str,
) -> None:
    client.force_login(cast.alice)
    answer = client.post(f"/runs/{run.pk}/boards/updates/", {"device": str(board.device.pk), **sent}, follow=True)
    assert answer.status_code == 200 and said in " ".join(answer.content.decode().split())
    assert not Deployment.objects.exists()


def test_a_member_reads_and_only_an_administrator_sends(cast: Cast, client: Client, run: Run, board: Board) -> None:
    client.force_login(cast.mia)
    assert "Send its first network" not in shown(client, f"/runs/{run.pk}/boards/")
    answer = client.post(f"/runs/{run.pk}/boards/first/", {"device": str(board.device.pk)})
    assert answer.status_code == 404 and not Deployment.objects.exists()


def test_a_run_that_offers_nothing_says_so(cast: Cast, client: Client, board: Board) -> None:
    client.force_login(cast.alice)
    other = cast.run(Status.FINISHED)
    assert "offers boards no network" in shown(client, f"/runs/{other.pk}/boards/")
    assert f"/runs/{other.pk}/boards/" not in shown(client, f"/runs/{other.pk}/")


def test_full_updating_says_why_no_board_gets_it(cast: Cast, client: Client) -> None:
    client.force_login(cast.alice)
    full = cast.run(Status.FINISHED, recipe="updating.full")
    page = shown(client, f"/runs/{full.pk}/")
    assert "On a board" in page and "offers boards nothing" in page
