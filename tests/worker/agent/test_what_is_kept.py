"""A claim says by a word of a closed list what a board is to keep; what is none, or cannot run here, is given back in words."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from tests.worker.agent.fake_portal import served
from tests.worker.agent.ordered import Board
from worker.agent import hosting, slice_process
from worker.agent.hosting import Hosting
from worker.agent.running import Means
from worker.orders import DEVICE, SERVES


@pytest.mark.parametrize("what", ["miner", "worker.agent.keeper", "os", ""])
def test_a_word_that_the_agent_does_not_know_is_given_back_and_nothing_is_fetched_or_run(tmp_path: Path, what: str) -> None:
    with served() as portal:
        board = Board(tmp_path, portal)
        hosting.begin(board.folder, portal.slice_of(b"anything", facts={SERVES: what}))
        claim = hosting.held(board.folder)
        assert claim
        Hosting(board.folder, claim, board.line(), Means(), None, board.stopping).live()
        assert [said["state"] for said in portal.slices] == ["gone"] and not portal.asked["files"]
        assert f"does not know how to keep {what!r}" in portal.slices[0]["reason"]
        assert hosting.held(board.folder) is None


def test_a_board_without_torch_says_so_instead_of_dying(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(name: str) -> Any:
        raise ImportError("No module named 'torch'", name="torch")

    monkeypatch.setattr(slice_process, "import_module", lacking)
    monkeypatch.setattr(slice_process, "limit", lambda allowed: None)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(json.dumps({"cpus": [], "memory_bytes": None, "file_bytes": 1}).encode() + b"\n")
        slice_process.begin(theirs, DEVICE)
        assert json.loads(ours.recv(1 << 12))["sorry"].startswith("This board lacks the package torch: ")
