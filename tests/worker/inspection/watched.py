"""The process of an inspection as the portal starts it, with an ear at everything that Python opens, runs or calls in it."""

from __future__ import annotations

import json
import os
import socket
import sys
import sysconfig
from pathlib import Path
from typing import Any

from worker.inspection import child
from worker.inspection.order import Order

TIDIES = ("os.remove", "os.rename", "shutil.rmtree", "os.chmod")
RUNS = (*TIDIES, "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.spawn", "subprocess.Popen", "socket.connect",
        "socket.bind", "pty.spawn", "os.kill", "webbrowser.open")
HERE = Path(__file__).resolve().parents[3]
# Where Python's own modules lie, and what the machine tells of itself.
READ = (*map(os.path.realpath, (str(HERE), sys.prefix, sys.base_prefix, *sysconfig.get_paths().values())),
        "/proc/", "/sys/", "/dev/", "/usr/lib/", "/usr/share/")


def begin(request: bytes, end: socket.socket) -> None:
    """As `worker.inspection.child`, but what it does beyond its folder stands in `heard.jsonl` beside it."""
    order = Order.model_validate_json(request)
    heard = os.open(Path(order.folder).parent / "heard.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    allowed = (order.folder, order.file)

    def listen(event: str, given: Any) -> None:
        if event in RUNS and not _is_inside(event, given, allowed):
            os.write(heard, json.dumps([event, repr(given)[:200]]).encode() + b"\n")
        elif event == "open" and isinstance(given[0], str | bytes):
            path, is_written = os.fsdecode(given[0]), bool((given[2] or 0) & (os.O_WRONLY | os.O_RDWR))
            if not os.path.realpath(path).startswith(allowed if is_written else (*allowed, *READ)):
                os.write(heard, json.dumps(["open", path, "writes" if is_written else "reads"]).encode() + b"\n")

    sys.dont_write_bytecode = True
    sys.addaudithook(listen)
    child.begin(request, end)


def _is_inside(event: str, given: Any, allowed: tuple[str, ...]) -> bool:
    """Tidying up in its own folder is its business."""
    paths = [os.path.realpath(str(each)) for each in given[:2] if isinstance(each, str | os.PathLike)]
    return event in TIDIES and all(path.startswith(allowed) for path in paths)
