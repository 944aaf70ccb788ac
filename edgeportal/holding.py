"""The web process loads while its tables and static files are still being made, and waits here until they are there.

The lock goes with the process that holds it: whoever is killed while preparing holds up nobody.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from edgeportal import places


def _lock() -> Path:
    return places.var() / "preparing.lock"


@contextmanager
def preparing() -> Iterator[None]:
    """While this lasts, no web process of this folder answers anybody."""
    with _lock().open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def wait() -> None:
    """Return when nobody prepares this folder, or nobody ever did."""
    with suppress(FileNotFoundError), _lock().open() as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
