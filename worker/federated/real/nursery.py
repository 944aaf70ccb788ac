"""A warm process that forks the others of a run: libraries are loaded once, and every edge server and device begins from there.

`python -m worker.federated.real.nursery FD`: over the socket FD come requests, a message of JSON each, answered by one each
under the request's `number`.
`{"begin": true}`, with a socket beside it: a child whose control socket that is (`host.begin`); `{"became": pid}`: its exit code,
None while it runs; `{"kill": pid}`: it is ended. Only children that were not waited for are signalled, so that no number can mean
another process. It ends when the other end is closed; its children by their own sockets.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from typing import Any

import torch._dynamo  # noqa: F401  (an optimiser's first step would load it in every child)

from worker.federated.real import host

LONGEST = 1 << 12
BROKE = 70


class Nursery:
    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._running: set[int] = set()
        self._codes: dict[int, int] = {}

    def serve(self) -> None:
        while True:
            message, sockets, _, _ = socket.recv_fds(self._control, LONGEST, 1)
            if not message:
                return
            asked = json.loads(message)
            answer = self._answer(asked, sockets) | {"number": asked["number"]}
            self._control.sendall(json.dumps(answer).encode())

    def _answer(self, asked: dict[str, Any], sockets: list[int]) -> dict[str, Any]:
        if "begin" in asked:
            return {"pid": self._begun(sockets[0])}
        if "kill" in asked and asked["kill"] in self._running:
            os.kill(asked["kill"], signal.SIGKILL)
            self._reap(asked["kill"], 0)
        return {"code": self._became(int(asked.get("became", 0)))}

    def _begun(self, number: int) -> int:
        pid = os.fork()
        if not pid:
            self._live(number)
        os.close(number)
        self._running.add(pid)
        return pid

    def _live(self, number: int) -> None:
        """All of a child's life: nothing of this process goes on in it."""
        code = BROKE
        try:
            os.setsid()
            self._control.close()
            host.begin(socket.socket(fileno=number))
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else BROKE
        finally:
            os._exit(code)

    def _became(self, pid: int) -> int | None:
        if pid in self._running:
            self._reap(pid, os.WNOHANG)
        return self._codes.get(pid)

    def _reap(self, pid: int, how: int) -> None:
        found, status = os.waitpid(pid, how)
        if found:
            self._running.discard(pid)
            self._codes[pid] = os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    Nursery(socket.socket(fileno=int(sys.argv[1]))).serve()
