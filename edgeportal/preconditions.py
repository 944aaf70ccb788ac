"""What must hold before the portal starts: room on the disk, one portal a folder, a free port. One line when it does not."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
from pathlib import Path
from typing import IO

ROOM_BYTES = 500_000_000


class Cannot(Exception):
    """The portal cannot start; the text is the one line to print."""


def room(folder: Path) -> None:
    """Refuse a disk that is full before anything is written to it."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    if free < ROOM_BYTES:
        raise Cannot(f"The disk of {folder} is full: {free / 1e6:.0f} MB free, {ROOM_BYTES / 1e6:.0f} MB are needed.")


def only_one(path: Path) -> IO[str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise Cannot("EdgePortal already runs from this folder; `make link` prints a link to it.") from None
    return lock


def free_port(port: int, bind: str = "127.0.0.1") -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
        except OSError as error:
            raise Cannot(f"Port {port} cannot be used ({error.strerror}); take another: make run PORT={port + 1}") from None


def port() -> int:
    text = os.environ.get("PORT", "8000")
    if not (text.isdigit() and 1 <= int(text) <= 65535):
        raise Cannot(f"PORT must be a number from 1 to 65535; got {text!r}.")
    return int(text)
