"""Tensors by way of the portal, where the other board takes no connections: a local connection on each side, pieces between."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from worker.agent.portal import Patience, Portal
from worker.agent.wording import Away, Refused

log = logging.getLogger(__name__)
HERE = "127.0.0.1"
PIECE_BYTES = 250_000
LOOK_S, AGAIN_S = 0.2, 0.02
# So long a new connection waits for a portal that is away, as one that starts again.
AWAY_S = 20.0
Answer = TypeVar("Answer")


class Place(Protocol):
    """Where the pieces of one slice are left and found; of its two ends this is one.

    Everything raises Away for what another try may cure, and Refused once it is over, or for who has lost the run.
    """

    def call(self) -> int:
        """A new connection; the one before is over."""

    def called(self, after: int) -> int:
        """The newest connection, as soon as it is another than `after`; the same after a while without."""

    def put(self, call: int, number: int, piece: bytes) -> None:
        """The next bytes of this end; none at all end its way."""

    def get(self, call: int, number: int) -> bytes | None:
        """The bytes of this number from the other end; None while there are none."""

    def close(self) -> None:
        """What this thread holds of it."""


class AtPortal:
    """For boards: over HTTPS, as all that they say."""

    def __init__(self, portal: Portal, hosting: str, token: str) -> None:
        self._portal, self._base = portal, f"/api/agent/hostings/{hosting}/relay"
        self._headers = {"X-EdgePortal-Run-Token": token}

    def call(self) -> int:
        return self._number("POST", f"{self._base}/calls")

    def called(self, after: int) -> int:
        return self._number("GET", f"{self._base}/calls/{after}")

    def put(self, call: int, number: int, piece: bytes) -> None:
        self._portal.carry("PUT", f"{self._base}/{call}/{number}", piece, **self._headers)

    def get(self, call: int, number: int) -> bytes | None:
        status, piece = self._portal.carry("GET", f"{self._base}/{call}/{number}", None, **self._headers)
        return piece if status == 200 else None

    def close(self) -> None:
        self._portal.close()

    def _number(self, method: str, path: str) -> int:
        told = self._portal.ask(method, path, None, **self._headers)
        try:
            return int(told.body["call"])
        except (KeyError, TypeError, ValueError):
            raise Refused(told.status, "The portal's answer names no connection.", told.body) from None


class Carrier:
    """Both ways of one connection, until one of them ends."""

    def __init__(self, place: Place, call: int, end: socket.socket) -> None:
        self._place, self._call, self._end = place, call, end
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
            self._place.close()

    def _bring(self) -> None:
        number, piece = 0, b" "
        while piece and not self._over.is_set():
            try:
                piece = self._end.recv(PIECE_BYTES)
            except OSError:
                piece = b""
            self._again(lambda: self._place.put(self._call, number, piece))  # noqa: B023
            number += 1

    def _fetch(self) -> None:
        number = 0
        while not self._over.is_set():
            piece = self._again(lambda: self._place.get(self._call, number))  # noqa: B023
            if piece is None:
                continue
            if not piece:
                return
            self._end.sendall(piece)
            number += 1

    def _again(self, ask: Callable[[], Answer]) -> Answer | None:
        patience = Patience(first=AGAIN_S, most=2.0)
        while True:
            try:
                return ask()
            except Away:
                if self._over.wait(patience.next()):
                    return None


class Calling:
    """On the side of the part before: who connects to `port` here is carried to the slice."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._listener = socket.create_server((HERE, 0))
        self._closed, self._turn = threading.Event(), threading.Lock()
        self._carrier: Carrier | None = None
        threading.Thread(target=self._serve, name="relay", daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def close(self) -> None:
        self._closed.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # Closing alone leaves who waits in `accept` waiting, and the port open.
        self._listener.close()
        with self._turn:
            if self._carrier:
                self._carrier.close()

    def _serve(self) -> None:
        while not self._closed.is_set():
            try:
                end, _ = self._listener.accept()
            except OSError:
                self._closed.wait(LOOK_S)
            else:
                self._relay(end)

    def _relay(self, end: socket.socket) -> None:
        """Whatever keeps it from being carried ends this connection alone: who called hears so at once, and may call again."""
        try:
            self._carry(self._made(), end)
        except (Away, Refused) as problem:
            log.warning("a connection could not be relayed: %s", problem)
            end.close()
        except Exception:
            log.exception("a connection could not be relayed")
            end.close()
        finally:
            self._place.close()

    def _carry(self, call: int, end: socket.socket) -> None:
        """Nobody is carried any more once this is closed, which may be while a call was being made."""
        with self._turn:
            if self._closed.is_set():
                return end.close()
            if self._carrier:
                self._carrier.close()
            self._carrier = Carrier(self._place, call, end)

    def _made(self) -> int:
        patience, until = Patience(first=LOOK_S, most=2.0), time.monotonic() + AWAY_S
        while True:
            try:
                return self._place.call()
            except Away:
                if time.monotonic() > until or self._closed.wait(patience.next()):
                    raise


class Answering(threading.Thread):
    """On the side of the slice: each call becomes a connection to its process. `port`: where that listens; 0 while not."""

    def __init__(self, place: Place, port: Callable[[], int]) -> None:
        super().__init__(name="relay", daemon=True)
        self._place, self._port = place, port
        self._over = threading.Event()
        self._carrier: Carrier | None = None

    def close(self) -> None:
        self._over.set()
        if self._carrier:
            self._carrier.close()

    def run(self) -> None:
        known, patience, told = 0, Patience(most=5.0), ""
        while not self._over.is_set():
            try:
                call, told = self._place.called(known), ""
                patience.over()
            except Away as away:
                self._over.wait(patience.next(away.retry_after))
            except Refused as refused:
                if str(refused) != told:  # As often as it is asked, while its run waits for a worker.
                    log.info("nothing is relayed: %s", refused)
                told = str(refused)
                self._over.wait(LOOK_S * 5)
            else:
                known = call if call == known or self._connected(call) else known
        self._place.close()

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
        self._carrier = Carrier(self._place, call, end)
        return True
