"""A warm process that has imported torch but run nothing, and forks one child for each run."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import Any

from pydantic import BaseModel

from worker.child import die_with_parent

# What a run may know of its surroundings: no database, no broker, no signing secret.
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES")
WARM = ("torch", "onnxruntime", "onnx", "safetensors.torch", "worker.training", "worker.dnn.files", "worker.dnn.export")
LONGEST_REQUEST = 1 << 20


class Child:
    """A supervisor's end of one run's process."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._rest = b""
        self.pid: int | None = None
        self.exit: int | None = None
        self.gone = False

    def lines(self, timeout: float) -> list[dict[str, Any]]:
        """What the child said within `timeout` seconds; sets `exit` and `gone` when it has ended."""
        if not select.select([self._end], [], [], timeout)[0]:
            return []
        read = self._end.recv(1 << 20)
        if not read:
            self.gone = True
            return []
        *whole, self._rest = (self._rest + read).split(b"\n")
        return [said for said in map(self._heard, whole) if said]

    def _heard(self, line: bytes) -> dict[str, Any] | None:
        try:
            said: dict[str, Any] = json.loads(line)
        except ValueError:
            return None  # A line that a killed child did not finish.
        self.pid = said.get("pid", self.pid)
        self.exit = said.get("exit", self.exit)
        return said

    def ask(self, **line: Any) -> None:
        with contextlib.suppress(OSError):
            self._end.sendall(json.dumps(line).encode() + b"\n")

    def kill(self) -> None:
        if self.pid and self.exit is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def close(self) -> None:
        self._end.close()


class ForkServer:
    """Starts the warm process when it is needed, again when it died, and asks it for children."""

    def __init__(self, idle_s: float = 300, child: str = "worker.child") -> None:
        """`child` names the module whose `begin(request, end)` is the life of a forked process."""
        self._idle_s, self._child = idle_s, child
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def warm(self) -> None:
        """Start it ahead of the first run."""
        with self._lock:
            self._ensure()

    def spawn(self, job: BaseModel) -> Child:
        """A child doing the job; one more try when the warm process had just gone."""
        with self._lock:
            try:
                return self._spawn(job)
            except OSError:
                self._stop()
                return self._spawn(job)

    def stop(self) -> None:
        """End it, and every child with it."""
        with self._lock:
            self._stop()

    def _spawn(self, job: BaseModel) -> Child:
        control = self._ensure()
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(control, [job.model_dump_json().encode()], [theirs.fileno()])
        return Child(ours)

    def _ensure(self) -> socket.socket:
        if self._control and self._process and self._process.poll() is None:
            return self._control
        self._stop()
        # Packets, not bytes: a request and its socket always arrive together.
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "worker.forkserver", str(theirs.fileno()), str(self._idle_s), self._child],
                pass_fds=[theirs.fileno()], env=kept | {"OMP_NUM_THREADS": "1"}, start_new_session=True)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LONGEST_REQUEST)
        self._control = ours
        return ours

    def _stop(self) -> None:
        if self._control:
            self._control.close()
            self._control = None
        if self._process:
            # Its children die with it: the kernel sees to that.
            self._process.kill()
            self._process.wait()
            self._process = None


class Server:
    """The warm process itself: one loop that forks, reaps, and ends when its owner does or nothing is asked for long."""

    def __init__(self, control: socket.socket, idle_s: float, child: str) -> None:
        self.control, self.idle_s, self.child = control, idle_s, child
        self.children: dict[int, socket.socket] = {}
        self.wakes, self.wake = socket.socketpair()
        for end in (self.wakes, self.wake):
            end.setblocking(False)

    def serve(self) -> None:
        signal.set_wakeup_fd(self.wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        quiet_since = time.monotonic()
        while self.children or time.monotonic() - quiet_since < self.idle_s:
            ready = select.select([self.control, self.wakes], [], [], 5)[0]
            if self.wakes in ready:
                self.wakes.recv(4096)
            self._reap()
            if self.control in ready:
                request, ends, _, _ = socket.recv_fds(self.control, LONGEST_REQUEST, 1)
                if not request:
                    break
                self._fork(request, socket.socket(fileno=ends[0]))
            if self.children or ready:
                quiet_since = time.monotonic()
        self._kill_all()

    def _fork(self, request: bytes, end: socket.socket) -> None:
        try:
            pid = os.fork()
        except OSError:
            end.close()  # The supervisor hears the end of its socket and takes the run back; the others go on.
            return
        if pid == 0:
            self._become_child(request, end)
        self.children[pid] = end
        with contextlib.suppress(OSError):  # A supervisor that has left already; its child will notice.
            end.sendall(json.dumps({"pid": pid}).encode() + b"\n")

    def _become_child(self, request: bytes, end: socket.socket) -> None:
        code = 1
        try:
            die_with_parent()
            os.setsid()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for other in (self.control, self.wakes, self.wake, *self.children.values()):
                other.close()
            importlib.import_module(self.child).begin(request, end)
            code = 0
        finally:
            os._exit(code)

    def _reap(self) -> None:
        for pid in list(self.children):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                self._say_exit(self.children.pop(pid), os.waitstatus_to_exitcode(status))

    def _say_exit(self, end: socket.socket, code: int) -> None:
        # A supervisor that waits for its database may leave the socket full; nobody else shall wait for it.
        threading.Thread(target=_last_words, args=(end, code), daemon=True).start()

    def _kill_all(self) -> None:
        for pid in self.children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _watch_owner(owner: int, warm: threading.Event) -> None:
    """While torch is being imported nobody reads the control socket: leave when the owner is gone."""
    while not warm.wait(0.3):
        if os.getppid() != owner:
            os._exit(0)


def _last_words(end: socket.socket, code: int) -> None:
    # The newline before it ends whatever line a killed child left open.
    with end, contextlib.suppress(OSError):
        end.sendall(b"\n" + json.dumps({"exit": code}).encode() + b"\n")


def main() -> None:
    """`python -m worker.forkserver FD IDLE_S CHILD`, started by a worker."""
    # No parent-death signal here: it follows the thread that started us. The closed control socket says it as well.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control, idle_s, child = socket.socket(fileno=int(sys.argv[1])), float(sys.argv[2]), sys.argv[3]
    warm = threading.Event()
    watch = threading.Thread(target=_watch_owner, args=(os.getppid(), warm), daemon=True)
    watch.start()
    for module in (*WARM, child):
        importlib.import_module(module)
    warm.set()
    watch.join()
    Server(control, idle_s, child).serve()


if __name__ == "__main__":
    main()
