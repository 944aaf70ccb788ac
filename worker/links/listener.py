"""The side that is called. Each caller is greeted in a thread of its own, so that none waits for another."""

from __future__ import annotations

import logging
import math
import queue
import socket
import threading
import time
from collections import Counter
from contextlib import suppress
from types import TracebackType
from typing import Self

from worker.links import greeting
from worker.links.calling import Address
from worker.links.certificate import Certificate
from worker.links.channel import Channel
from worker.links.faults import Silent, Torn
from worker.links.talking import Wire

log = logging.getLogger(__name__)
# Callers that are being greeted; one more takes the place of the oldest of the address that has most of them.
MOST_UNDECIDED = 64
GREETING_S = 10.0
# How long a wrong token waits for its answer.
PAUSE_S = 0.5
LOOK_S = 0.2


class Listener:
    """Listens for callers of one run. A port of 0 is one that the system chooses: `address` says which."""

    def __init__(self, host: str, port: int, *, token: str, run: str, certificate: Certificate | None = None,
                 most_bytes: int, patience_s: float, greeting_s: float = GREETING_S) -> None:
        if not token:
            raise ValueError("A listener needs a token.")
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._token, self._run, self._most_bytes, self._patience_s = token, run, most_bytes, patience_s
        self._greeting_s, self._pin = greeting_s, certificate.fingerprint if certificate else ""
        self._context = certificate.context() if certificate else None
        self._socket = socket.create_server((host, port), family=family, backlog=128)
        self._socket.settimeout(LOOK_S)
        self.address: Address = self._socket.getsockname()[:2]
        self.refused = 0
        self._undecided: dict[Channel, str] = {}
        self._lock, self._closed = threading.Lock(), threading.Event()
        self._welcomed: queue.Queue[Wire | None] = queue.Queue()
        threading.Thread(target=self._listen, name="listener", daemon=True).start()

    @property
    def port(self) -> int:
        return self.address[1]

    def accept(self, within_s: float | None = None) -> Wire:
        """The next caller that knows the token; Silent where none comes within so many seconds."""
        given = self._patience_s if within_s is None else within_s
        try:
            wire = self._welcomed.get(timeout=given)
        except queue.Empty:
            raise Silent(f"Nobody who knows the token called within {given:g} s.") from None
        if wire is None:
            self._welcomed.put(None)
            raise Torn("This listener was closed.")
        return wire

    def close(self) -> None:
        """From any thread. Wires that were accepted go on."""
        self._closed.set()
        with self._lock:
            for channel in self._undecided:
                channel.close()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        with suppress(queue.Empty):
            while wire := self._welcomed.get_nowait():
                wire.close()
        self._welcomed.put(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _listen(self) -> None:
        while not self._closed.is_set():
            try:
                called, (host, port, *_) = self._socket.accept()
                self._take(Channel(called), str(host), int(port))
            except TimeoutError:
                continue
            except (OSError, RuntimeError) as error:  # Gone already, or no file or thread is left for it.
                if not self._closed.wait(LOOK_S):
                    log.warning("A caller could not be taken: %s", error)

    def _take(self, channel: Channel, host: str, port: int) -> None:
        with self._lock:
            if len(self._undecided) >= MOST_UNDECIDED:
                self._make_room()
            self._undecided[channel] = host
        try:
            threading.Thread(target=self._greet, args=(channel, f"{host}:{port}"), name="greeting", daemon=True).start()
        except RuntimeError:
            channel.close()
            self._decided(channel)
            raise

    def _make_room(self) -> None:
        most = Counter(self._undecided.values()).most_common(1)[0][0]
        oldest = next(each for each, host in self._undecided.items() if host == most)
        del self._undecided[oldest]
        oldest.close()

    def _greet(self, channel: Channel, peer: str) -> None:
        wire = Wire(channel, greeting.MOST_BYTES, self._greeting_s, peer=peer)
        wire.ends_at = time.monotonic() + self._greeting_s
        try:
            if self._context:
                channel.secure(self._context, is_server=True, until=wire.ends_at)
            greeting.answer(wire, self._token, self._run, self._pin, self._pause)
        except Exception as fault:  # Whatever a stranger sends, it is the stranger's end alone.
            self._turned_away(channel, peer, fault)
            return
        wire.ends_at, wire.most_bytes, wire.patience_s = math.inf, self._most_bytes, self._patience_s
        if self._decided(channel, welcome=True):
            self._welcomed.put(wire)
        if self._closed.is_set():
            wire.close()

    def _pause(self) -> None:
        self._closed.wait(PAUSE_S)

    def _turned_away(self, channel: Channel, peer: str, fault: Exception) -> None:
        channel.close()
        gave_way = not self._decided(channel) and not self._closed.is_set()
        why = "it gave way to a newer one, as too many called at once." if gave_way else str(fault) or "it took too long."
        log.info("A caller from %s was turned away: %s", peer, why)

    def _decided(self, channel: Channel, *, welcome: bool = False) -> bool:
        """Take it from the list; whether it was there still."""
        with self._lock:
            self.refused += not welcome
            return self._undecided.pop(channel, None) is not None
