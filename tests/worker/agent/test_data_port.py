"""The data port: said by the board's owner, kept until something else is said, known by one certificate, told with every beat."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.worker.agent.fake_portal import FakePortal, served
from worker.agent import data_port
from worker.agent.beating import Beat
from worker.agent.state import Folder


def agent(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "worker.agent", *words], capture_output=True, text=True, check=False)


def test_it_is_kept_until_it_is_closed_and_its_certificate_stays(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "state")
    assert data_port.of(folder) is None
    data_port.keep(folder, 7443)
    first, again = data_port.of(folder), data_port.of(Folder(tmp_path / "state"))
    assert first and again and first.port == 7443 and first.certificate.fingerprint == again.certificate.fingerprint
    assert first.certificate.file.stat().st_mode & 0o777 == 0o600
    data_port.keep(folder, None)
    assert data_port.of(folder) is None


def test_joining_says_it_and_so_does_the_beat(tmp_path: Path) -> None:
    with served() as portal:
        state = str(tmp_path / "state")
        joined = agent("join", portal.base, "CODE", "--folder", state, "--data-port")
        assert joined.returncode == 0, joined.stderr
        port = data_port.of(Folder(tmp_path / "state"))
        assert port and port.port == data_port.DEFAULT
        about = port.about(("127.0.0.1", 80))
        assert about == {"port": data_port.DEFAULT, "fingerprint": port.certificate.fingerprint, "host": "127.0.0.1"}
        assert _beat(portal, about)["data"] == about


def _beat(portal: FakePortal, about: dict[str, object]) -> dict[str, object]:
    import threading

    from worker.agent.portal import Portal
    from worker.agent.trust import Address

    way = Portal(Address(portal.base), "instance-0001")
    Beat(way, 1.0, lambda: "idle", lambda _: None, threading.Event(), lambda: about)._beat()
    return portal.beats[-1]


@pytest.mark.parametrize("word", ["0", "65536", "port", "-1"])
def test_what_is_no_port_is_refused_in_a_sentence(tmp_path: Path, word: str) -> None:
    done = agent("run", "--folder", str(tmp_path / "state"), f"--data-port={word}")
    assert done.returncode == 2 and "a port is a number from 1 to 65535" in done.stderr
