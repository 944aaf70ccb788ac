"""One portal on the local network for all tests of agents: what they need of it is the same."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.boards import LanPortal

# Who the machine keeps waiting is not to be taken for one that fell silent, nor is a run that waits for a part; a supervisor
# looks often all the same.
SETTINGS = {"EDGEPORTAL_BOARD_POLL_S": "0.5", "EDGEPORTAL_DEVICE_SILENT_S": "60", "EDGEPORTAL_BOARD_LEASE_S": "60",
            "EDGEPORTAL_LEASE_S": "30", "EDGEPORTAL_HEARTBEAT_S": "2", "EDGEPORTAL_RUN_SILENT_S": "300"}


@pytest.fixture(scope="package")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanPortal]:
    running = LanPortal(Path(tempfile.mkdtemp(prefix="ep-boards-")), **SETTINGS)
    try:
        running.start()
        running.clear_the_slot()
        yield running
    finally:
        running.stop()
        running.keep_logs(tmp_path_factory.getbasetemp() / "boards-portal-logs")
