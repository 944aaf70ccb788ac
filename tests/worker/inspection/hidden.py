"""Files that nobody may open: the kernel tells when somebody does, from whichever language."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

IN_ACCESS, IN_OPEN, IN_NONBLOCK = 0x1, 0x20, 0o4000
SECRET = b"this must never be read: " + bytes(range(119))


class Hidden:
    """A secret at each of these places, watched by inotify."""

    def __init__(self, *paths: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self.handle = libc.inotify_init1(IN_NONBLOCK)
        assert self.handle >= 0
        for path in paths:
            path.write_bytes(SECRET)
            assert libc.inotify_add_watch(self.handle, os.fsencode(path), IN_OPEN | IN_ACCESS) >= 0

    def was_opened(self) -> bool:
        try:
            return bool(os.read(self.handle, 4096))
        except BlockingIOError:
            return False

    def close(self) -> None:
        os.close(self.handle)
