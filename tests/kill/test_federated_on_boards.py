"""Boards as clients of federated learning: real agents learn what one process would, move, die, and take part again."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.boards import LanPortal
from tests.kill.test_slices_on_boards import Board, logged
from tests.portal import free_port, strain, until

pytestmark = pytest.mark.kill
# Who the machine keeps waiting is not to be taken for one that fell silent.
SETTINGS = {"EDGEPORTAL_BOARD_POLL_S": "0.5", "EDGEPORTAL_DEVICE_SILENT_S": "60", "EDGEPORTAL_BOARD_LEASE_S": "60",
            "EDGEPORTAL_LEASE_S": "30", "EDGEPORTAL_RUN_SILENT_S": "300"}
FEDFLY = "federated.fedfly"
VALUES = {"clients": "near\nfar at edge-b".replace(" at", ": at"), "edges": "edge-a: 50 GMAC/s\nedge-b: 50 GMAC/s", "rounds": "2",
          "batch_size": "64", "after": "pool1", "moves": "round 2 at 50 %: near to edge-b"}


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanPortal]:
    running = LanPortal(Path(tempfile.mkdtemp(prefix="ep-federated-")), **SETTINGS)
    try:
        running.start()
        running.clear_the_slot()
        yield running
    finally:
        running.stop()
        running.keep_logs(tmp_path_factory.getbasetemp() / "federated-portal-logs")


@pytest.fixture(scope="module")
def boards(portal: LanPortal) -> Iterator[dict[str, Board]]:
    """One that takes connections, and one to which the portal relays."""
    folder = Path(tempfile.mkdtemp(prefix="ep-federated-boards-"))
    made = {"near": Board(folder, portal, "near", "edge", free_port()), "far": Board(folder, portal, "far", "device")}
    for board in made.values():
        board.start()
    heard = ("select 1 from devices_agent a join devices_device d on d.id = a.device_id "
             "where a.can_host and d.last_seen is not null and d.runtimes ? 'torch'")
    until(lambda: len(portal.sql(heard)) == len(made), 120 * strain(), "two boards that can learn")
    yield made
    for board in made.values():
        board.stop()
        print(board.said()[-6000:])
    shutil.rmtree(folder)


def ended(portal: LanPortal, run: str) -> dict[str, Any]:
    found: dict[str, Any] = portal.wait(run, seconds=240 * strain())
    assert found["status"] == "finished", (found, logged(portal, run))
    return found


def test_first(portal, boards):
    run = portal.launch(FEDFLY, where="boards", **VALUES)
    summary = ended(portal, run)["summary"]
    print(logged(portal, run)); print(summary)
    other = portal.launch(FEDFLY, where="emulated", **{**VALUES, "clients": "near: 1 GMAC/s, 75 Mbit/s, 2 ms\nfar: 1 GMAC/s, 75 Mbit/s, 2 ms, at edge-b"})
    s2 = ended(portal, other)["summary"]
    print(s2)
    assert summary["variants"][0]["sha256"] == s2["variants"][0]["sha256"]
