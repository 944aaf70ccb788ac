"""A thread that keeps one database connection: a read for sockets waits for no request and opens nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

Answer = TypeVar("Answer")


class Desk:
    """Questions to the database, answered one after the other by one thread."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def ask(self, question: Callable[..., Answer], *about: object) -> Answer:
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: _answer(question, about))

    def rest(self) -> None:
        """Nobody listens any more: give the connection back. The next question opens another."""
        self._thread.submit(lambda: connection.close())  # of that thread: `connection` is another one in each


def _answer(question: Callable[..., Answer], about: tuple[object, ...]) -> Answer:
    # A kept connection dies with its server; the second try has a new one.
    try:
        return question(*about)
    except (OperationalError, InterfaceError):
        connection.close()
    try:
        return question(*about)
    except (OperationalError, InterfaceError):
        connection.close()
        raise


# New rows must not wait behind people who come in, so these have a thread of their own.
rows_desk = Desk("stream rows")
door_desk = Desk("stream door")
