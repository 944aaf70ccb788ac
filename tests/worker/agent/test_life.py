"""A whole agent from its wheel, in processes of its own: it stays alive, becomes another version, goes back, stops."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from apps.devices import agent_wheel
from edgeportal import embedded
from tests.portal import strain, until
from tests.worker.agent.fake_portal import FakePortal, says, sends, served
from worker.agent import keeper
from worker.agent.portal import Portal
from worker.agent.state import Folder
from worker.agent.trust import Address
from worker.agent.updating import install


def other_wheel(version: str, **changed: bytes) -> bytes:
    """The same agent as another version; some of its files may be others."""
    made, out = agent_wheel.wheel(), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(made.body)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            body = changed.get(Path(name).stem if name.startswith("worker/agent/") else "", old.read(name))
            new.writestr(name.replace(made.version, version), body.replace(made.version.encode(), version.encode()))
    return out.getvalue()


class Living:
    """An agent that has joined, and the processes of it."""

    def __init__(self, folder: Path, portal: FakePortal) -> None:
        self.state, self.portal = folder / "state", portal
        wheel = folder / agent_wheel.wheel().name
        wheel.write_bytes(agent_wheel.wheel().body)
        self.environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(wheel), "OMP_NUM_THREADS": "1"}
        self.output = folder / "output.log"
        joined = subprocess.run(self.command("join", portal.base, "CODE", "--name", "porch"), env=self.environment, cwd="/",
                                capture_output=True, text=True, check=False)
        assert joined.returncode == 0 and "is the device porch of T now" in joined.stdout, joined.stderr

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "worker.agent", *words, "--folder", str(self.state)]

    def start(self) -> None:
        with self.output.open("ab") as out:
            self.process = subprocess.Popen(self.command("run"), env=self.environment, cwd="/", stdout=out, stderr=out,
                                            preexec_fn=embedded.child_of_this_process(signal.SIGKILL))

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(30 * strain())

    def agent(self) -> psutil.Process:
        def found() -> list[psutil.Process]:
            with contextlib.suppress(psutil.Error):
                return [one for one in psutil.Process(self.process.pid).children() if "work" in one.cmdline()]
            return []
        return until(found, 30 * strain(), "the agent's process")[0]

    def speaks(self, version: str) -> None:
        """Wait until the portal has heard this version from now on."""
        self.portal.versions_seen.clear()
        seen = self.portal.versions_seen
        until(lambda: version in seen, 40 * strain(), f"version {version}; it said {self.output.read_text()}")

    def is_asked_for(self, version: str, body: bytes) -> None:
        self.portal.wheel = body
        wanted = {"version": version, "url": "/api/agent/wheel", "sha256": hashlib.sha256(body).hexdigest()}
        self.portal.beat_answer = {**self.portal.beat_answer, "wanted": wanted}


@pytest.fixture
def living(tmp_path: Path) -> Iterator[Living]:
    with served() as portal:
        made = Living(tmp_path, portal)
        made.start()
        yield made
        with contextlib.suppress(psutil.NoSuchProcess):
            for one in psutil.Process(made.process.pid).children(recursive=True):
                one.kill()
        made.process.kill()
        made.process.wait()


def test_it_survives_a_kill_becomes_another_version_goes_back_from_a_broken_one_and_stops_in_good_order(living: Living) -> None:
    living.speaks(agent_wheel.wheel().version)
    living.agent().kill()
    living.speaks(agent_wheel.wheel().version)

    living.is_asked_for("0.1.0+00000002", other_wheel("0.1.0+00000002"))
    living.speaks("0.1.0+00000002")
    until(lambda: not (living.state / "update.json").exists(), 30 * strain(), "the new version is confirmed")

    broken = other_wheel("0.1.0+00000003", life=b"raise RuntimeError('broken')\n")
    living.is_asked_for("0.1.0+00000003", broken)
    until(lambda: (living.state / "refused.json").exists(), 40 * strain(), "the broken version is given up")
    living.speaks("0.1.0+00000002")
    assert "0.1.0+00000003" not in living.portal.versions_seen

    # A portal that was upgraded understands only its own: what it says at the door is enough.
    living.portal.beat_answer = {**living.portal.beat_answer, "wanted": None}
    living.portal.wheel = other_wheel("0.1.0+00000004")
    living.portal.faults["beat"] = [says(426, title="x", needed="0.2.0")]
    living.speaks("0.1.0+00000004")

    assert living.stop() == 0
    assert living.portal.beats[-1]["activity"] == "draining"


def test_an_ended_token_ends_the_agent_with_a_sentence(living: Living) -> None:
    living.speaks(agent_wheel.wheel().version)
    living.portal.faults["beat"] = [says(401, title="x")] * 100
    assert living.process.wait(30 * strain()) == keeper.OVER
    assert "does not know this board's token any more" in living.output.read_text()


def test_an_agent_whose_beat_ends_by_a_mistake_is_started_again_instead_of_being_deaf(living: Living) -> None:
    living.speaks(agent_wheel.wheel().version)
    living.portal.faults["beat"] = [sends(b"[]")]
    until(lambda: "the agent ended (1); it is started again" in living.output.read_text(), 30 * strain(), "its end is seen")
    living.speaks(agent_wheel.wheel().version)
    assert "the thread beat has ended by a mistake" in living.output.read_text()


def folder_with_a_wheel(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path)
    folder.wheels.mkdir()
    (folder.wheels / "old.whl").write_bytes(b"old")
    folder.current.symlink_to("wheels/old.whl")
    return folder


FAILED_BEFORE = hashlib.sha256(b"failed before").hexdigest()


@pytest.mark.parametrize(("body", "known"), [(b"other bytes", ""), (b"failed before", FAILED_BEFORE)])
def test_a_wheel_with_another_hash_or_one_that_failed_is_not_switched_to(tmp_path: Path, body: bytes, known: str) -> None:
    folder = folder_with_a_wheel(tmp_path)
    if known:
        folder.write("refused.json", {"sha256": known})
    with served() as portal:
        portal.wheel = body
        wanted: dict[str, Any] = {"version": "9", "url": "/api/agent/wheel", "sha256": known or "0" * 64}
        assert not install(folder, wanted, Portal(Address(portal.base), "i"))
    assert folder.current.resolve().name == "old.whl" and not (tmp_path / "update.json").exists()
    assert [path.name for path in folder.wheels.iterdir()] == ["old.whl"]
