"""The bounded folder of files that were fetched from object storage: what was not used for longest goes first."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

# A run opens its inputs when it starts; nothing that was asked for lately is taken from under it.
IN_USE_S = 3600.0


def touch(file: Path) -> None:
    """Say that the file is in use."""
    with contextlib.suppress(OSError):
        os.utime(file)


def trim(folder: Path, limit_bytes: int) -> None:
    """Remove the files that were not used for longest until what is left fits."""
    files = sorted(_files(folder), reverse=True)
    total, now = 0, time.time()
    for used, size, file in files:
        total += size
        if total > limit_bytes and now - used > IN_USE_S:
            with contextlib.suppress(OSError):
                file.unlink()


def _files(folder: Path) -> list[tuple[float, int, Path]]:
    found = []
    for file in folder.glob("??/??/*"):
        with contextlib.suppress(OSError):
            facts = file.stat()
            found.append((facts.st_mtime, facts.st_size, file))
    return found
