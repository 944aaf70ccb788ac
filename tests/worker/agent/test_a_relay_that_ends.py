"""A relay on a board that is over: its port is closed, and nobody waits for it any more."""

from __future__ import annotations

import socket
import threading
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.portal import until
from worker.agent.portal import Portal
from worker.agent.relaying import AtPortal, Calling


def test_a_closed_relay_takes_no_callers_and_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    nobody: Any = SimpleNamespace()
    relay = Calling(AtPortal(cast(Portal, nobody), "1", "token"))
    port = relay.port
    assert set(threading.enumerate()) - before
    relay.close()
    until(lambda: not set(threading.enumerate()) - before, 5, "the end of the thread")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)
