"""A portal of a few lines that keeps the agent's contract, and breaks it on request: lost answers, cuts, refusals."""

from __future__ import annotations

import contextlib
import hashlib
import json
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

RUN = "0f0e0d0c-0000-4000-8000-000000000001"


class FakePortal:
    """`faults`: for a path's last word, what to do with the next requests to it, one after the other."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.files: dict[str, bytes] = {}
        self.outputs: dict[str, bytes] = {}
        self.batches: dict[int, list[dict[str, Any]]] = {}
        self.repeated: list[int] = []
        self.claims: dict[str, dict[str, Any]] = {}
        self.waiting: list[dict[str, Any]] = []
        self.released: list[int] = []
        self.beats: list[dict[str, Any]] = []
        self.tokens_seen: list[str] = []
        self.versions_seen: list[str] = []
        self.beat_answer: dict[str, Any] = {"draining": False, "poll_s": 0.1, "wanted": None, "token": None}
        self.cancel, self.lease_lost = False, False
        self.slices: list[dict[str, Any]] = []
        self.slice_over = False
        self.outcomes: list[dict[str, Any]] = []
        self.next_network: dict[str, Any] | None = None
        self.asked: Counter[str] = Counter()
        self.faults: dict[str, list[Any]] = {}
        self.wheel = b""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        if context:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.base = f"{'https' if context else 'http'}://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def events(self) -> list[dict[str, Any]]:
        """All that was said, in order, each batch once."""
        return [event for number in sorted(self.batches) for event in self.batches[number]]

    def order(self, recipe: str, params: dict[str, Any], files: dict[str, bytes], facts: dict[str, Any]) -> None:
        """A run that waits for the board."""
        told = []
        for path, body in files.items():
            digest = hashlib.sha256(body).hexdigest()
            self.files[digest] = body
            url = f"/api/agent/runs/{RUN}/files/{digest}"
            told.append({"path": path, "sha256": digest, "size_bytes": len(body), "url": url})
        asked = {"recipe": recipe, "params": params, "order": {"facts": facts, "files": told}}
        self.waiting.append({"run": RUN, "number": 1, **asked, "token": 7, "attempt": 1, "lease_s": 30.0, "device": "board"})

    def slice_of(self, body: bytes, **more: Any) -> dict[str, Any]:
        """The claim of a slice that a board is to keep."""
        return {"hosting": RUN, "run": RUN, "number": 1, "part": 2, "device": "rack", "token": "5" * 64, "lease_s": 30.0,
                "files": [self.file_of("part-2.onnx", body)], **more}

    def file_of(self, path: str, body: bytes) -> dict[str, Any]:
        """A file of what a board is to keep, as its claim names it."""
        digest = hashlib.sha256(body).hexdigest()
        self.files[digest] = body
        return {"path": path, "sha256": digest, "size_bytes": len(body), "url": f"/api/agent/hostings/{RUN}/files/{digest}"}

    def sends(self, update: bytes, number: int, batch: bytes = b"") -> dict[str, Any]:
        """What a beat says of an update that waits; its files are there."""
        self.files |= {"update": update, "batch": batch}
        named = [{"path": path, "sha256": hashlib.sha256(body).hexdigest(), "size_bytes": len(body),
                  "url": f"/api/agent/deployments/{RUN}/{word}"}
                 for path, word, body in (("sent.update", "update", update), ("batch.npz", "batch", batch))]
        return {"deployment": RUN, "number": number, "file": named[0], "batch": named[1] if batch else None}

    def fault(self, word: str) -> Any:
        waiting = self.faults.get(word)
        return waiting.pop(0) if waiting else None

    def answer(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, dict[str, Any] | bytes, dict[str, str]]:
        word = path.rstrip("/").rsplit("/", 1)[1]
        if method == "PUT":
            self.outputs[path.partition("/outputs/")[2]] = body
            return 200, {}, {}
        said = json.loads(body) if body else {}
        if word == "join":
            device = {"id": RUN, "name": said["name"]}
            return 201, {"token": "epa_one_two", "device": device, "team": "T", "portal_version": "0.1.0", "poll_s": 0.1}, {}
        if word == "beat":
            self.beats.append(said)
            return 200, self.beat_answer, {}
        if word == "claim":
            if said["request"] not in self.claims and self.waiting:
                self.claims[said["request"]] = self.waiting.pop(0)
            found = self.claims.get(said["request"])
            return (200, found, {}) if found else (204, {}, {"Retry-After": "1"})
        if word == "events":
            return self._heard(said)
        if "/hostings/" in path and method == "POST":
            self.slices.append(said)
            over = (409, {"title": "This slice is no longer this board's."}, {})
            return over if self.slice_over else (200, {"state": said["state"], "poll_s": 0.1}, {})
        if "/deployments/" in path and method == "POST":
            self.outcomes.append(said)
            return 200, {"state": said["state"], "network": self.next_network}, {}
        if word == "release":
            self.released.append(said["lease"])
            return 204, {}, {}
        if word == "wheel":
            return 200, self.wheel, {"ETag": f'"{hashlib.sha256(self.wheel).hexdigest()}"'}
        return self._file(word, headers)

    def _heard(self, said: dict[str, Any]) -> tuple[int, dict[str, Any], dict[str, str]]:
        if self.lease_lost:
            return 409, {"title": "This device does not hold that run any more."}, {}
        if said["events"]:
            if said["batch"] in self.batches:
                assert self.batches[said["batch"]] == said["events"], "the same number came with other words"
                self.repeated.append(said["batch"])
            self.batches.setdefault(said["batch"], said["events"])
        return 200, {"cancel": self.cancel, "live": {}, "batch": said["batch"]}, {}

    def _file(self, digest: str, headers: Any) -> tuple[int, bytes, dict[str, str]]:
        body = self.files[digest]
        begin = headers.get("Range", "").removeprefix("bytes=").rstrip("-")
        return (206, body[int(begin):], {}) if begin else (200, body, {})


def _handler(portal: FakePortal) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

        def _do(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(size)
            if len(body) < size:
                return  # Who sent it ended in the middle of it: nothing was said.
            word = self.path.rstrip("/").rsplit("/", 1)[1]
            kind = "files" if "/files/" in self.path else "outputs" if "/outputs/" in self.path else word
            if kind == "events" and not json.loads(body)["events"]:
                kind = "renewals"
            portal.asked[kind] += 1
            portal.versions_seen.append(self.headers.get("X-EdgePortal-Agent", ""))
            portal.tokens_seen.append(self.headers.get("Authorization", ""))
            fault = portal.fault(kind)
            if callable(fault):
                return fault(self, lambda: portal.answer(self.command, self.path, self.headers, body))
            self.say(*portal.answer(self.command, self.path, self.headers, body))

        do_GET = do_POST = do_PUT = _do  # noqa: N815  http.server's names

        def say(self, status: int, said: dict[str, Any] | bytes, headers: dict[str, str]) -> None:
            body = said if isinstance(said, bytes) else b"" if status == 204 else json.dumps(said).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


Fault = Callable[[Any, Callable[[], Any]], None]


def loses_the_answer(handler: Any, answer: Callable[[], Any]) -> None:
    """It is done, and nobody hears of it."""
    answer()
    handler.close_connection = True
    handler.connection.close()


def cuts_after(size: int) -> Fault:
    """The answer ends in the middle of its body."""
    def cut(handler: Any, answer: Callable[[], Any]) -> None:
        status, body, _ = answer()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[:size])
        handler.close_connection = True
    return cut


def says(status: int, **body: Any) -> Fault:
    headers = {"Retry-After": str(body.pop("retry_after"))} if "retry_after" in body else {}

    def say(handler: Any, _answer: Callable[[], Any]) -> None:
        handler.say(status, body, headers)
    return say


def sends(body: bytes) -> Fault:
    def send(handler: Any, _answer: Callable[[], Any]) -> None:
        handler.say(200, body, {})
    return send


@contextlib.contextmanager
def served(context: ssl.SSLContext | None = None) -> Iterator[FakePortal]:
    portal = FakePortal(context)
    try:
        yield portal
    finally:
        portal.stop()


def certificate(folder: Path, name: str = "one", *, begins_in_days: int = -1) -> tuple[ssl.SSLContext, str]:
    """A certificate of its own for a server, and its fingerprint."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key, who = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begins = datetime.now(UTC) + timedelta(days=begins_in_days)
    made = (x509.CertificateBuilder().subject_name(who).issuer_name(who).public_key(key.public_key()).serial_number(1)
            .not_valid_before(begins).not_valid_after(begins + timedelta(days=9)).sign(key, hashes.SHA256()))
    files = folder / f"{name}.crt", folder / f"{name}.key"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                           serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    return context, made.fingerprint(hashes.SHA256()).hex()
