"""Boards on plain loopback: agents from the portal's wheel, joined by their command, that can be switched off."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

from edgeportal import embedded
from tests.boards import LanPortal
from tests.portal import strain, until

HEARD = ("select 1 from devices_agent a join devices_device d on d.id = a.device_id where d.name = %s and a.can_host "
         "and d.last_seen is not null and a.data_port is not distinct from %s and jsonb_exists(d.runtimes, 'torch')")


class Board:
    """An agent from the portal's wheel, joined by its command, with or without a data port."""

    def __init__(self, folder: Path, portal: LanPortal, name: str, tier: str, port: int = 0) -> None:
        self.folder, self.portal, self.name, self.port = folder / name, portal, name, port
        self.folder.mkdir()
        self.output = self.folder / "output.log"
        made = portal.http.post("/api/devices/codes", json={"tier": tier}, headers={
            "X-CSRFToken": portal.http.cookies.get("csrftoken", ""), "Referer": portal.address})
        assert made.status_code == 201, made.text
        wheel = self.folder / "agent.whl"
        wheel.write_bytes(portal.http.get("/api/agent/wheel").content)
        self.environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(wheel), "OMP_NUM_THREADS": "1"}
        pin = portal.http.get("/devices/join.sh").text
        words = ["--fingerprint", re.search(r"FINGERPRINT='([0-9a-f]{64})'", pin)[1], "--name", name]  # type: ignore[index]
        words += ["--data-port", str(port)] if port else []
        done = subprocess.run(self._command("join", portal.address, made.json()["code"], *words), env=self.environment, cwd="/",
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "worker.agent", *words, "--folder", str(self.folder / "state")]

    def start(self) -> None:
        with self.output.open("ab") as out:
            self.process = subprocess.Popen(self._command("run"), env=self.environment, cwd="/", stdout=out, stderr=out,
                                            preexec_fn=embedded.child_of_this_process(signal.SIGKILL))

    def processes(self, word: str = "") -> list[psutil.Process]:
        with contextlib.suppress(psutil.Error):
            top = psutil.Process(self.process.pid)
            return [one for one in [top, *top.children(recursive=True)] if word in " ".join(_line(one))]
        return []

    def power_off(self) -> None:
        for one in self.processes():
            with contextlib.suppress(psutil.Error):
                one.kill()
        self.process.wait(60)

    def stop(self) -> None:
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(20)
        self.power_off()

    def said(self) -> str:
        return f"--- {self.name}\n{self.output.read_text()}"


def _line(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return list(process.cmdline())
    return []


@contextlib.contextmanager
def standing(portal: LanPortal, tiers: dict[str, str], ports: dict[str, int] | None = None) -> Iterator[dict[str, Board]]:
    """Boards by name, on a tier each, some with a data port; all were heard from and can keep slices and learn."""
    folder, ports = Path(tempfile.mkdtemp(prefix="ep-boards-")), ports or {}
    made = {name: Board(folder, portal, name, tier, ports.get(name, 0)) for name, tier in tiers.items()}
    try:
        for board in made.values():
            board.start()
        for name, board in made.items():
            until(lambda name=name, board=board: portal.sql(HEARD, name, board.port or None), 120 * strain(),
                  f"{name}; it said {board.said()}")
        yield made
    finally:
        for board in made.values():
            board.stop()
            print(board.said()[-6000:])
        shutil.rmtree(folder)


def logged(portal: LanPortal, run: str) -> str:
    return "\n".join(str(event["body"]["message"]) for event in portal.events(run) if event["type"] == "log")
