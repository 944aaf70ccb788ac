"""The web process waits while its folder is prepared, and no longer."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgeportal import holding

WAIT = [sys.executable, "-c", "from edgeportal import holding; holding.wait()"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDGEPORTAL_VAR", str(tmp_path))


def test_it_waits_for_the_end_of_the_preparation() -> None:
    with holding.preparing():
        waiting = subprocess.Popen(WAIT)
        time.sleep(1)
        assert waiting.poll() is None
    assert waiting.wait(60) == 0


def test_a_folder_that_nobody_prepares_holds_up_nobody() -> None:
    assert subprocess.run(WAIT, timeout=60, check=False).returncode == 0


def test_one_killed_while_preparing_holds_up_nobody() -> None:
    code = "from edgeportal import holding\nwith holding.preparing():\n print(1, flush=True); import time; time.sleep(60)"
    killed = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert killed.stdout and killed.stdout.readline()
    killed.kill()
    killed.communicate()
    assert subprocess.run(WAIT, timeout=60, check=False).returncode == 0
