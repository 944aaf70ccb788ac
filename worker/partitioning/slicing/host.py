"""The process of one part of a plan: it loads its slice, listens for frames, and answers them until nobody needs it.

`python -m worker.partitioning.slicing.host FD`: over the socket FD comes one line, a `Setup`; back goes one line, `{"port": ...}`
or `{"sorry": ...}`. It ends when the other end of that socket is closed, however that happens, or when nobody spoke to it for
long. No torch where ONNX Runtime runs the slice.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

from worker.links.certificate import Certificate
from worker.links.faults import LinkFault
from worker.links.wire import Listener
from worker.partitioning.slicing.engines import Ready, ready
from worker.partitioning.slicing.faults import detailed, told
from worker.partitioning.slicing.serving import Visit
from worker.partitioning.slicing.setup import Setup

LOOK_S = 1.0
# A message that is under way may take longer than the silence after which nobody is waited for, but not for ever.
MOST_IDLES = 3
LONGEST_LINE = 1 << 16
DONE, COULD_NOT = 0, 1
CANNOT_LOAD = "Its slice cannot be loaded."


class Host:
    """Visits one after the other: a newer one takes the place of one that may be hanging."""

    def __init__(self, setup: Setup, slice_: Ready) -> None:
        self._setup, self._slice = setup, slice_
        shown = Certificate(Path(setup.certificate)) if setup.certificate else None
        self.listener = Listener(setup.host, setup.port, token=setup.token, run=setup.run, certificate=shown,
                                 most_bytes=setup.most_bytes, patience_s=MOST_IDLES * setup.idle_s)
        self._visit: Visit | None = None
        self._heard_at, self._heard_bytes = time.monotonic(), 0

    def serve(self) -> None:
        while True:
            try:
                wire = self.listener.accept()
            except LinkFault:
                continue  # One bad caller harms no good one.
            self._heard()
            if self._visit is not None:
                self._visit.close()
            self._visit = Visit(self._setup, self._slice, wire, self._heard)
            threading.Thread(target=self._visit.serve, name="visit", daemon=True).start()

    def is_needed(self) -> bool:
        """While somebody waits for an answer, and for a while after the last byte that came."""
        visit = self._visit
        if visit is not None and visit.bytes_received != self._heard_bytes:
            self._heard_bytes = visit.bytes_received
            self._heard()
        return (visit is not None and visit.is_busy) or time.monotonic() - self._heard_at < self._setup.idle_s

    def _heard(self) -> None:
        self._heard_at = time.monotonic()


def begin(control: socket.socket) -> None:
    line = control.makefile("rb").readline(LONGEST_LINE)
    if not line:
        return
    try:
        setup = Setup.from_line(line)
        host = Host(setup, ready(setup))
    except Exception as error:
        _say(control, sorry=told(error, CANNOT_LOAD), detail=detailed(error))
        sys.exit(COULD_NOT)
    threading.Thread(target=_watch, args=(control, host), name="watch", daemon=True).start()
    _say(control, port=host.listener.port, pid=os.getpid())
    host.serve()


def _watch(control: socket.socket, host: Host) -> None:
    """Nobody waits for this process any more: end at once, whatever it is doing."""
    control.settimeout(LOOK_S)
    while host.is_needed():
        try:
            if not control.recv(1):
                break
        except TimeoutError:
            continue
        except OSError:
            break
    os._exit(DONE)


def _say(control: socket.socket, **line: Any) -> None:
    control.sendall(json.dumps(line).encode() + b"\n")


if __name__ == "__main__":
    begin(socket.socket(fileno=int(sys.argv[1])))
