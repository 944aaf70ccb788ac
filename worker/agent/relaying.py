"""Tensors by way of the portal, where the other board takes no connections: a local connection on each side, pieces between."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections.abc import Callable

from worker.agent.portal import Patience, Portal
from worker.agent.wording import Away, Refused

log = logging.getLogger(__name__)
HERE = "127.0.0.1"
PIECE_BYTES = 250_000
LOOK_S, AGAIN_S = 0.2, 0.02


class Carrier:
    """Both ways of one connection, until one of them ends."""

    def __init__(self, portal: Portal, base: str, token: str, call: int, end: socket.socket) -> None:
        self._portal, self._place, self._end = portal, f"{base}/{call}", end
        self._headers = {"X-EdgePortal-Run-Token": token}
        self._over = threading.Event()
        for way in (self._bring, self._fetch):
            threading.Thread(target=self._ended_after, args=(way,), name=f"relay {way.__name__}", daemon=True).start()

    def close(self) -> None:
        self._over.set()
        with contextlib.suppress(OSError):
            self._end.shutdown(socket.SHUT_RDWR)
        self._end.close()

    def _ended_after(self, way: Callable[[], None]) -> None:
        try:
            way()
        except (Refused, OSError) as problem:
            log.info("a relayed connection ended: %s", problem)
        finally:
            self.close()
            self._portal.close()

    def _bring(self) -> None:
        number, piece = 0, b" "
        while piece and not self._over.is_set():
            try:
                piece = self._end.recv(PIECE_BYTES)
            except OSError:
                piece = b""
            self._again(lambda: self._portal.carry("PUT", f"{self._place}/{number}", piece, **self._headers))  # noqa: B023
            number += 1

    def _fetch(self) -> None:
        number = 0
        while not self._over.is_set():
            status, piece = self._again(lambda: self._portal.carry("GET", f"{self._place}/{number}", None, **self._headers))  # noqa: B023
            if status == 200 and not piece:
                return
            if status == 200:
                self._end.sendall(piece)
                number += 1

    def _again(self, ask: Callable[[], tuple[int, bytes]]) -> tuple[int, bytes]:
        patience = Patience(first=AGAIN_S, most=2.0)
        while True:
            try:
                return ask()
            except Away:
                if self._over.wait(patience.next()):
                    return 204, b""


def _call(portal: Portal, method: str, path: str, token: str) -> int:
    return int(portal.ask(method, path, None, **{"X-EdgePortal-Run-Token": token}).body["call"])


class Calling:
    """On the lead's side: who connects to `port` here is carried to the slice."""

    def __init__(self, portal: Portal, hosting: str, token: str) -> None:
        self._portal, self._base, self._token = portal, f"/api/agent/hostings/{hosting}/relay", token
        self._listener = socket.create_server((HERE, 0))
        self._carrier: Carrier | None = None
        threading.Thread(target=self._serve, name="relay", daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # Closing alone leaves who waits in `accept` waiting, and the port open.
        self._listener.close()
        if self._carrier:
            self._carrier.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                end, _ = self._listener.accept()
                try:
                    call = _call(self._portal, "POST", f"{self._base}/calls", self._token)
                except (Away, Refused) as problem:
                    log.warning("a connection could not be relayed: %s", problem)
                    end.close()
                    continue
                if self._carrier:
                    self._carrier.close()
                self._carrier = Carrier(self._portal, self._base, self._token, call, end)


class Answering(threading.Thread):
    """On the side of the slice: each call becomes a connection to its process. `port`: where that listens; 0 while not."""

    def __init__(self, portal: Portal, hosting: str, token: str, port: Callable[[], int]) -> None:
        super().__init__(name="relay", daemon=True)
        self._portal, self._base, self._token, self._port = portal, f"/api/agent/hostings/{hosting}/relay", token, port
        self._over = threading.Event()
        self._carrier: Carrier | None = None

    def close(self) -> None:
        self._over.set()
        if self._carrier:
            self._carrier.close()

    def run(self) -> None:
        known, patience = 0, Patience(most=5.0)
        while not self._over.is_set():
            try:
                call = self._asked(known)
                patience.over()
            except Away as away:
                self._over.wait(patience.next(away.retry_after))
            except Refused as refused:
                log.info("nothing is relayed: %s", refused)
                self._over.wait(LOOK_S * 5)
            else:
                known = call if call == known or self._connected(call) else known
        self._portal.close()

    def _asked(self, known: int) -> int:
        return _call(self._portal, "GET", f"{self._base}/calls/{known}", self._token)

    def _connected(self, call: int) -> bool:
        """Whether the slice listens; else the call is asked for again."""
        try:
            end = socket.create_connection((HERE, self._port()), timeout=5)
        except OSError:
            self._over.wait(LOOK_S)
            return False
        end.settimeout(None)
        if self._carrier:
            self._carrier.close()
        self._carrier = Carrier(self._portal, self._base, self._token, call, end)
        return True
