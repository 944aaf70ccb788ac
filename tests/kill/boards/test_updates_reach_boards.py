"""A first network and its updates reach a board whose power fails in the middle, and nothing else is ever served there."""

from __future__ import annotations

import fcntl
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.boards import LanPortal
from tests.kill.boards.agents import Board, standing
from tests.portal import strain, until
from worker.addressed import Address, head

pytestmark = pytest.mark.kill
ROUNDS = {"first_images": "200", "round_images": "200", "rounds": "3", "epochs": "3", "tuning_epochs": "4", "ratio": "0.015",
          "reinitialise": "", "reference": ""}


@pytest.fixture(scope="module")
def board(portal: LanPortal) -> Iterator[Board]:
    with standing(portal, {"porch": "device"}) as made:
        yield made["porch"]


@pytest.fixture(scope="module")
def run(portal: LanPortal) -> dict[str, Any]:
    """A short run of Deep Partial Updating that sent something in at least two rounds."""
    launched = portal.launch("updating.dpu", **ROUNDS)
    ended = portal.wait(launched, seconds=90 * strain()) | {"id": launched}
    assert ended["status"] == "finished", ended
    assert len(ended["summary"]["deployable"]["updates"]) >= 2, ended["summary"]
    return ended


def device_of(portal: LanPortal) -> str:
    return portal.one("devices_device", "id", "name = %s", "porch")


def send(portal: LanPortal, run: dict[str, Any], **asked: Any) -> list[dict[str, Any]]:
    answer = portal.http.post(f"/api/devices/{device_of(portal)}/deployments", json={"run": str(run["id"]), **asked}, headers={
        "X-CSRFToken": portal.http.cookies.get("csrftoken", ""), "Referer": portal.address})
    assert answer.status_code == 201, answer.text
    return list(answer.json())


def served(portal: LanPortal) -> dict[str, Any]:
    return dict(portal.http.get(f"/api/devices/{device_of(portal)}/network").json())


def row(portal: LanPortal, deployment: str) -> dict[str, Any]:
    return dict(portal.http.get(f"/api/deployments/{deployment}").json())


def settled(portal: LanPortal, board: Board, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All of them, once none waits any more."""
    def found() -> list[dict[str, Any]]:
        now = [row(portal, each["id"]) for each in rows]
        return [] if any(each["state"] == "waiting" for each in now) else now

    return list(until(found, 60 * strain(), f"the board settles {len(rows)}; it said {board.said()[-2000:]}"))


def current(board: Board) -> Path:
    return board.folder / "state" / "network" / "current"


@contextmanager
def caught_taking(board: Board) -> Iterator[None]:
    """The process that takes something stands still inside, at the lock that it must have before it writes."""
    folder = board.folder / "state" / "network"
    folder.mkdir(exist_ok=True, mode=0o700)
    with (folder / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def answers(portal: LanPortal) -> bool:
    with suppress(httpx.HTTPError):
        return portal.http.get("/healthz/live").status_code == 200
    return False


def takes(board: Board) -> list[psutil.Process]:
    return board.processes("worker.updating take")


@pytest.fixture(scope="module")
def arrived(portal: LanPortal, board: Board, run: dict[str, Any]) -> list[dict[str, Any]]:
    """All that was sent, as it ended; the power failed twice meanwhile, and the web process was killed.

    First while the first network is taken; then when an update was taken, and nobody had heard of it yet.
    """
    until(lambda: served(portal)["cannot"] == "", 60 * strain(), f"the board takes networks; it said {board.said()}")
    with caught_taking(board):
        sent = send(portal, run, first=True)
        until(lambda: takes(board), 60 * strain(), f"the first network is taken; it said {board.said()}")
        board.power_off()
    assert not current(board).exists()
    board.start()
    settled(portal, board, sent)

    first = current(board).resolve()
    with caught_taking(board):
        sent += send(portal, run)
        until(lambda: takes(board), 60 * strain(), f"the update is taken; it said {board.said()}")
        web = portal.web()
        web.suspend()
    until(lambda: current(board).resolve() != first, 60 * strain(), f"the update is used; it said {board.said()}")
    board.power_off()
    web.kill()
    board.start()
    until(lambda: answers(portal), 60 * strain(), "the web is back")
    sent += send(portal, run, rounds=None)
    return settled(portal, board, sent)


def test_everything_arrives_whatever_is_killed_and_is_tried(arrived: list[dict[str, Any]], run: dict[str, Any]) -> None:
    updates = run["summary"]["deployable"]["updates"]
    assert [(each["state"], each["tried"], each["number"]) for each in arrived] == [
        ("taken", True, number) for number in range(1, len(updates) + 2)]


def test_an_update_takes_a_small_part_of_sending_everything(arrived: list[dict[str, Any]]) -> None:
    for each in arrived[1:]:
        assert each["sent_bytes"] < 0.05 * each["everything_bytes"], each


def test_what_is_served_is_what_the_run_made_bit_for_bit(
    portal: LanPortal, board: Board, arrived: list[dict[str, Any]], run: dict[str, Any],
) -> None:
    body = current(board).read_bytes()
    variant = portal.one("experiments_runvariant", "variant_id", "run_id = %s", run["id"])
    assert body == portal.http.get(f"/api/variants/{variant}/file.onnx").content
    now = served(portal)
    assert (now["number"], now["sha256"]) == (arrived[-1]["number"], hashlib.sha256(body).hexdigest())


def forged(portal: LanPortal, run: dict[str, Any], board: Board, how: str) -> dict[str, Any]:
    """Something that waits, put there by who can write into the database: its envelope is not what the portal signed."""
    (sent,) = send(portal, run, first=True)
    kept, instance = portal.sql("select head, addressed_to from deployments_deployment where id = %s", sent["id"])[0]
    first = portal.one("experiments_runfile", "id", "run_id = %s and path = 'first.onnx'", run["id"])
    body = portal.http.get(f"/runs/{run['id']}/files/{first}/").content
    key = Ed25519PrivateKey.from_private_bytes((portal.var / "signing_key").read_bytes())
    bad = {"tampered": bytes(kept).replace(b'"batch_sha256"', b'"batch_SHA256"'),
           "stale": head(Address(instance, 1, hashlib.sha256(body).hexdigest(), len(body), kind="first"), key)}[how]
    portal.sql("update deployments_deployment set head = %s, sha256 = %s, sent_bytes = %s where id = %s", bad,
               hashlib.sha256(bad + body).hexdigest(), len(bad) + len(body), sent["id"])
    return sent


@pytest.mark.parametrize("how, why", [("tampered", "is not signed by the portal"), ("stale", "numbers only rise")])
def test_what_the_portal_did_not_sign_so_is_refused_and_said(
    portal: LanPortal, board: Board, run: dict[str, Any], arrived: list[dict[str, Any]], how: str, why: str,
) -> None:
    before = current(board).read_bytes()
    board.power_off()
    sent = forged(portal, run, board, how)
    board.start()
    (ended,) = settled(portal, board, [sent])
    assert ended["state"] == "refused"
    assert why in ended["reason"], ended
    assert current(board).read_bytes() == before
