"""In front of Django, which would spool any body to disk before a view is asked: too large is a 413, too slow a 408."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from django.conf import settings

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>
<h1>{title}</h1><p>Go back: what you typed is still in the form. A file goes up on the page of models or of data.</p></html>
"""


class _Cut(Exception):
    """The body is over; the answer is this problem."""

    def __init__(self, status: int, title: str, **more: int) -> None:
        super().__init__(title)
        self.problem = {"type": "about:blank", "title": title, "status": status, **more}


def bounded(app: App) -> App:
    """The application, its requests' bodies counted as they come, whether or not they say how long they are."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            _check_declared(scope)
            await app(scope, _counted(receive), send)
        except _Cut as cut:
            await (_answer_page if _is_page(scope) else _answer)(send, cut.problem)

    return guarded


def _check_declared(scope: Scope) -> None:
    said = dict(scope["headers"]).get(b"content-length", b"")
    if said.isdigit() and int(said) > settings.BODY_LIMIT_BYTES:
        raise _too_large(int(said))


def _too_large(got: int) -> _Cut:
    return _Cut(413, "The request is too large.", limit=settings.BODY_LIMIT_BYTES, got=got)


def _counted(receive: Receive) -> Receive:
    taken, is_whole = 0, False

    async def counted() -> Message:
        nonlocal taken, is_whole
        if is_whole:
            return await receive()  # Waits for the client to leave, however long that takes.
        message = await _soon(receive)
        taken += len(message.get("body", b""))
        is_whole = not message.get("more_body", False)
        if taken > settings.BODY_LIMIT_BYTES:
            raise _too_large(taken)
        return message

    return counted


async def _soon(receive: Receive) -> Message:
    try:
        return await asyncio.wait_for(receive(), settings.BODY_SILENT_S)
    except TimeoutError:
        seconds = int(settings.BODY_SILENT_S)
        raise _Cut(408, f"Nothing of the request came for {seconds} s.", limit=seconds) from None


def _is_page(scope: Scope) -> bool:
    """Whether a person reads the answer: a browser says so, and asks for no route of the API."""
    return b"text/html" in dict(scope["headers"]).get(b"accept", b"") and not scope["path"].startswith("/api/")


async def _answer_page(send: Send, problem: dict[str, Any]) -> None:
    """The same for people. It stands here whole: this is in front of all templates."""
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": problem["status"], "headers": headers})
    await send({"type": "http.response.body", "body": PAGE.format(**problem).encode()})


async def _answer(send: Send, problem: dict[str, Any]) -> None:
    """The rest of the body is not read: the connection ends with the answer."""
    headers = [(b"content-type", b"application/problem+json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": problem["status"], "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(problem).encode()})
