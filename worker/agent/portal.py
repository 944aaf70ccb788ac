"""The agent's side of every conversation with its portal: outbound, pinned, JSON, and every failure a sentence."""

from __future__ import annotations

import contextlib
import http.client
import json
import random
import ssl
import threading
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from worker.agent.trust import Address
from worker.agent.version import mine
from worker.agent.wording import BUSY, NO_ANSWER, Away, Distrusted, Refused

TIMEOUT_S = 20.0
PIECE = 1 << 16
# What a new connection may cure: the old one was closed while nobody spoke.
STALE = (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError, http.client.CannotSendRequest,
         http.client.ResponseNotReady)


class Answer(NamedTuple):
    """Status, JSON body ({} where there is none) and how long to wait, where the portal said so."""

    status: int
    body: dict[str, Any]
    retry_after: float | None


class Portal:
    """One portal. Each thread has a connection of its own, kept open between requests."""

    def __init__(self, address: Address, instance: str, token: Callable[[], str] = str) -> None:
        self.address = address
        self.ahead_s = 0.0  # How far the portal's clock is ahead of this board's.
        self._instance, self._token = instance, token
        self._mine = threading.local()
        self._context = address.context() if address.is_https else None

    def ask(self, method: str, path: str, body: dict[str, Any] | bytes | None = None, **headers: str) -> Answer:
        """Away for what another try may cure, Refused for what the portal does not want."""
        sent = json.dumps(body).encode() if isinstance(body, dict) else body
        kind = "application/json" if isinstance(body, dict) else "application/octet-stream"
        used = self._token()
        answer = self._once_more(method, path, sent, {"Content-Type": kind, **headers})
        text = self._guarded(answer.read)
        if answer.status == 401 and used != self._token():
            return self.ask(method, path, body, **headers)  # Another thread was given a new token meanwhile.
        return self._read(answer, text)

    def carry(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        """Bytes there, or from there: the status and what came."""
        answer = self._once_more(method, path, body, {"Content-Type": "application/octet-stream", **headers})
        came: bytes = self._guarded(answer.read)
        if answer.status >= 300:
            self._read(answer, came)
        return answer.status, came

    def fetch(self, path: str, file: Path, *, most: int) -> str:
        """Append what is missing of a file that came in part; its ETag. More than `most` bytes are not taken."""
        have = file.stat().st_size if file.exists() else 0
        asked = {"Range": f"bytes={have}-"} if have else {}
        answer = self._once_more("GET", path, None, asked)
        if answer.status not in (200, 206):
            self._read(answer, self._guarded(answer.read))
        with file.open("ab" if answer.status == 206 else "wb") as out:
            while out.tell() <= most and (piece := self._guarded(lambda: answer.read(PIECE))):
                out.write(piece)
        if not answer.isclosed():
            self.close()
        return (answer.headers.get("ETag") or "").strip('W/"')

    def certificate(self) -> str:
        """The certificate that the pinned portal shows, as PEM; empty over plain HTTP and where authorities vouch for it."""
        if not self.address.is_https or not self.address.fingerprint:
            return ""
        self.close()
        connection = self._connected()
        return ssl.DER_cert_to_PEM_cert(connection.sock.getpeercert(binary_form=True))

    def close(self) -> None:
        """End this thread's connection."""
        connection = getattr(self._mine, "connection", None)
        self._mine.connection = None
        if connection:
            connection.close()

    def _once_more(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> http.client.HTTPResponse:
        reused = getattr(self._mine, "connection", None) is not None
        try:
            return self._send(method, path, body, headers)
        except STALE as error:
            self.close()
            if not reused:
                raise Away(NO_ANSWER.format(host=self.address.host, why=_why(error))) from None
        answer: http.client.HTTPResponse = self._guarded(lambda: self._send(method, path, body, headers))
        return answer

    def _send(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> http.client.HTTPResponse:
        connection = self._connected()
        about = {"X-EdgePortal-Agent": mine(), "X-EdgePortal-Instance": self._instance, "Accept": "application/json"}
        if self._token():
            about["Authorization"] = f"Bearer {self._token()}"
        try:
            connection.request(method, quote(path, safe="/%?=&"), body=body, headers=about | headers)
            answer: http.client.HTTPResponse = connection.getresponse()
        except STALE:
            raise
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Away(NO_ANSWER.format(host=self.address.host, why=_why(error))) from None
        self._set_clock(answer)
        return answer

    def _connected(self) -> Any:
        connection = getattr(self._mine, "connection", None)
        if connection is None:
            connection = self._opened()
            self._mine.connection = connection
        return connection

    def _opened(self) -> http.client.HTTPConnection:
        host, port = self.address.name, self.address.port
        if self._context is None:
            plain = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
            self._guarded(plain.connect)
            return plain
        connection = http.client.HTTPSConnection(host, port, timeout=TIMEOUT_S, context=self._context)
        try:
            connection.connect()
            self.address.check(connection.sock.getpeercert(binary_form=True))
        except ssl.SSLCertVerificationError as error:
            connection.close()
            raise self.address.distrusted(error) from None
        except (OSError, Distrusted) as error:
            connection.close()
            if isinstance(error, Distrusted):
                raise
            raise Away(NO_ANSWER.format(host=self.address.host, why=_why(error))) from None
        return connection

    def _guarded(self, step: Callable[[], Any]) -> Any:
        """A step on the wire; whatever breaks there is Away, and the connection is given up."""
        try:
            return step()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Away(NO_ANSWER.format(host=self.address.host, why=_why(error))) from None

    def _read(self, answer: http.client.HTTPResponse, text: bytes) -> Answer:
        wait = _seconds(answer.headers.get("Retry-After"))
        body: Any = {}
        with contextlib.suppress(ValueError):
            body = json.loads(text or b"{}")
        found = body if isinstance(body, dict) else {}
        if answer.status in (408, 425, 429) or answer.status >= 500:
            raise Away(BUSY.format(host=self.address.host, status=answer.status), wait)
        if answer.status >= 300:
            said = found.get("title") or found.get("detail") or f"The portal said {answer.status}."
            raise Refused(answer.status, str(said), found)
        return Answer(answer.status, found, wait)

    def _set_clock(self, answer: http.client.HTTPResponse) -> None:
        with contextlib.suppress(TypeError, ValueError):
            self.ahead_s = parsedate_to_datetime(answer.headers["Date"]).timestamp() - time.time()


class Patience:
    """How long to wait before the next try: longer each time, never the same for two boards, as told where it was told."""

    def __init__(self, first: float = 1.0, most: float = 60.0) -> None:
        self._first, self._most, self._tries = first, most, 0

    def next(self, told: float | None = None) -> float:
        """With full jitter, so that boards which lost their portal together do not come back together."""
        longest = min(self._most, self._first * 2**min(self._tries, 10))
        self._tries += 1
        return told * random.uniform(1, 1.2) if told is not None else random.uniform(longest / 2, longest)

    def over(self) -> None:
        self._tries = 0


def _seconds(text: str | None) -> float | None:
    try:
        return min(max(float(text or ""), 0.0), 3600.0)
    except ValueError:
        return None


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLError):
        return "the secured connection ended"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return "the connection ended" if isinstance(error, http.client.HTTPException) else type(error).__name__
