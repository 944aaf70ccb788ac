"""What a caller and a listener say first: which run, and proof that both know its token, which itself never travels.

The proof covers numbers that both sides made up for this connection and, under TLS, the listener's certificate, so that what was
said on one connection is of no use on another.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from typing import Any, Protocol

from worker.links.faults import Refused, Strange
from worker.links.frames import Frame

CALL, HELLO, PROOF, WELCOME, REFUSED = "call", "hello", "proof", "welcome", "refused"
# No frame of a greeting is larger.
MOST_BYTES = 4096
WHY = {"run": "The listener serves another run.", "token": "The listener knows another token for this run."}


class Talk(Protocol):
    def send(self, frame: Frame) -> None: ...
    def receive(self) -> Frame: ...


def call(talk: Talk, token: str, run: str, certificate: str) -> None:
    """The caller's half; Refused where the other side does not take or does not know the token."""
    mine = secrets.token_hex(16)
    talk.send(Frame(CALL, {"run": run, "nonce": mine}))
    theirs = _text(_next(talk, HELLO), "nonce")
    said = [run, mine, theirs, certificate]
    talk.send(Frame(PROOF, {"proof": _proof(token, "caller", said)}))
    if not _same(_text(_next(talk, WELCOME), "proof"), _proof(token, "listener", said)):
        raise Refused("Who listens there does not know the token of this run; nothing was sent.")


def answer(talk: Talk, token: str, run: str, certificate: str, before_refusal: Callable[[], None]) -> None:
    """The listener's half. Each connection has one try."""
    first = _next(talk, CALL)
    theirs, mine = _text(first, "nonce"), secrets.token_hex(16)
    if not _same(_text(first, "run"), run):
        talk.send(Frame(REFUSED, {"why": "run"}))
        raise Refused("A caller asked for another run than is served here.")
    talk.send(Frame(HELLO, {"nonce": mine}))
    said = [run, theirs, mine, certificate]
    if not _same(_text(_next(talk, PROOF), "proof"), _proof(token, "caller", said)):
        before_refusal()
        talk.send(Frame(REFUSED, {"why": "token"}))
        raise Refused("A caller has another token than this run has.")
    talk.send(Frame(WELCOME, {"proof": _proof(token, "listener", said)}))


def _next(talk: Talk, kind: str) -> dict[str, Any]:
    frame = talk.receive()
    if frame.kind == REFUSED and kind != CALL:
        raise Refused(WHY.get(str(frame.facts.get("why")), "The listener refused the call."))
    if frame.kind != kind:
        raise Strange(f"In a greeting {kind!r} was to come next; got {frame.kind!r}.")
    return frame.facts


def _text(facts: dict[str, Any], name: str) -> str:
    text = facts.get(name)
    if not isinstance(text, str):
        raise Strange(f"A greeting says its {name} as text; got {type(text).__name__}.")
    return text


def _proof(token: str, side: str, said: list[str]) -> str:
    return hmac.digest(token.encode(), json.dumps([side, *said]).encode(), hashlib.sha256).hex()


def _same(got: str, expected: str) -> bool:
    """In the same time wherever they differ."""
    return hmac.compare_digest(got.encode("utf-8", "replace"), expected.encode("utf-8", "replace"))
