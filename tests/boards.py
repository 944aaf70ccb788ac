"""A board that is made smaller than this machine: its own network namespace and processes, one core, little memory.

Its only way out is a relay over a unix socket, which a test can cut. Where the kernel forbids a namespace, plain loopback.
`python -m tests.boards SOCKET HOST PORT COMMAND...` is what runs inside.
"""

from __future__ import annotations

import contextlib
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil

from edgeportal import embedded
from tests.portal import ROOT, Portal, free_port

MEMORY_BYTES = 6_000_000_000
PIECE = 1 << 16
NOBODY = 64731
# Whether this process may make a network of its own.
ISOLATED = bool(shutil.which("unshare") and shutil.which("ip")) and subprocess.run(
    ["unshare", "--net", "ip", "link", "set", "lo", "up"], capture_output=True, check=False).returncode == 0


class LanPortal(Portal):
    """As `make run LAN=1` starts it: HTTPS with a certificate of its own."""

    def __init__(self, var: Path, **environment: str) -> None:
        super().__init__(var, LAN="1", **environment)
        self.http = httpx.Client(base_url=self.address, timeout=120, follow_redirects=True, verify=False)

    @property
    def address(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def sign_in(self) -> None:
        found = re.findall(r"https://127\.0\.0\.1:\d+/enter/\S+", self.said())
        answer = self.http.get(found[-1])
        assert answer.status_code == 200, answer.text[:500]


class Relay:
    """Takes connections at one place and carries them to the portal; `cut` ends all and takes no more until `mend`."""

    def __init__(self, family: int, place: str | tuple[str, int], target: tuple[int, str | tuple[str, int]]) -> None:
        self._target, self._cut = target, False
        self._open: set[socket.socket] = set()
        self._listener = socket.socket(family)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(place)
        self._listener.listen(64)
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self) -> None:
        self._cut = True
        for end in list(self._open):
            _shut(end)

    def mend(self) -> None:
        self._cut = False

    def stop(self) -> None:
        _shut(self._listener)
        self._listener.close()
        self.cut()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                here, _ = self._listener.accept()
                threading.Thread(target=self._carry, args=(here,), daemon=True).start()

    def _carry(self, here: socket.socket) -> None:
        there = socket.socket(self._target[0])
        self._open |= {here, there}
        with here, there, contextlib.suppress(OSError):
            if not self._cut:
                there.connect(self._target[1])
                back = threading.Thread(target=_pump, args=(there, here), daemon=True)
                back.start()
                _pump(here, there)
                back.join()
        self._open -= {here, there}


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(PIECE):
            target.sendall(piece)
    _shut(source)
    _shut(target)


def _shut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


class Board:
    """A small machine of its own in `folder`, with one way to the portal."""

    def __init__(self, folder: Path, portal: Portal) -> None:
        self.folder, self.portal = folder, portal
        self.home, self.output = folder / "agent", folder / "output.log"
        folder.mkdir(parents=True)
        self._process: subprocess.Popen[bytes] | None = None
        there = (socket.AF_INET, ("127.0.0.1", portal.port))
        self._socket, self._port = folder / "way-out.sock", free_port()
        if ISOLATED:
            self.relay = Relay(socket.AF_UNIX, str(self._socket), there)
        else:
            print("No network namespace here: the board is on plain loopback.")
            self.relay = Relay(socket.AF_INET, ("0.0.0.0", self._port), there)

    def type_in(self, line: str) -> None:
        """Type the line that the portal shows into the board's terminal."""
        address = urlsplit(re.search(r"https://[^/ ]+", line)[0])  # type: ignore[index]
        self._address = (str(address.hostname), address.port or 443)
        if not ISOLATED:
            line = line.replace(address.netloc, f"127.0.0.1:{self._port}")
        self._run(["sh", "-c", line])

    def start_again(self) -> None:
        """As after power came back: the agent alone, from what lies on its disk."""
        (wheel,) = self.home.glob("*.whl")
        state = str(self.home / "state")
        self._run(["env", f"PYTHONPATH={wheel}", sys.executable, "-m", "worker.agent", "run", "--folder", state])

    def _run(self, command: list[str]) -> None:
        inside = ["unshare", "--net", sys.executable, "-m", "tests.boards", str(self._socket), self._address[0],
                  str(self._address[1])] if ISOLATED else []
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        with self.output.open("ab") as out:
            self._process = subprocess.Popen(
                [*inside, *command], cwd=ROOT if ISOLATED else "/", stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env={**kept, "EDGEPORTAL_AGENT_FOLDER": str(self.home), "EDGEPORTAL_PYTHON": sys.executable,
                     "EDGEPORTAL_AGENT_NAME": "porch", "EDGEPORTAL_AGENT_UID": str(_user())},
                preexec_fn=_smaller(embedded.child_of_this_process(signal.SIGKILL)))

    def said(self) -> str:
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    def processes(self, *words: str) -> list[psutil.Process]:
        """Those of the board whose command line holds all these words."""
        if self._process is None or self._process.poll() is not None:
            return []
        top = psutil.Process(self._process.pid)
        return [one for one in [top, *top.children(recursive=True)] if all(word in _command(one) for word in words)]

    def power_off(self) -> None:
        """kill -9 of everything that runs on it."""
        for one in self.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        if self._process:
            self._process.wait(60)

    def stop(self) -> None:
        self.power_off()
        self.relay.stop()


def _command(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""


def _user() -> int:
    """An unprivileged user, unless this Python lies where such a one cannot go."""
    if os.getuid():
        return os.getuid()
    tried = subprocess.run([sys.executable, "-c", "import onnxruntime"], user=NOBODY, cwd="/", capture_output=True, check=False) \
        if os.access(sys.executable, os.X_OK) and _reachable() else None
    if tried and tried.returncode == 0:
        return NOBODY
    print(f"{sys.executable} is not for every user: the agent keeps the user of the tests.")
    return 0


def _reachable() -> bool:
    path = Path(sys.executable).resolve()
    return all(folder.stat().st_mode & 0o001 for folder in path.parents)


def _smaller(tied: embedded.Preexec) -> embedded.Preexec:
    """One core, little memory, and an end with the tests."""
    core = min(os.sched_getaffinity(0))

    def become() -> None:
        tied()
        os.sched_setaffinity(0, {core})
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))

    return become


def main() -> None:
    """Inside: bring up the address that the portal is asked at, carry it to the socket outside, run the command."""
    way_out, host, port, *command = sys.argv[1:]
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    if re.fullmatch(r"[0-9.]+", host) and not host.startswith("127."):
        subprocess.run(["ip", "address", "add", f"{host}/32", "dev", "lo"], check=True)
    Relay(socket.AF_INET, ("0.0.0.0", int(port)), (socket.AF_UNIX, way_out))
    os.chdir("/")
    sys.exit(subprocess.call(command))


if __name__ == "__main__":
    main()
