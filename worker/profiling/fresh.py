"""Loading in new processes: what a device pays when it starts a network, and the memory that it takes beside the bare runtime."""

from __future__ import annotations

import contextlib
import ctypes
import json
import mmap
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import worker

LIMIT_S = 600.0
LOOK_S = 0.1
DROPPED = 0.05


class Broke(Exception):
    """The new process did not do it, with what it said last."""


def started(arguments: Sequence[str], threads: int) -> Generator[None, None, dict[str, Any]]:
    """Run `python -m` with these arguments and read the line it says; yields while it runs, and ends it when nobody listens."""
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as wrong:
        child = subprocess.Popen([sys.executable, "-m", *arguments], stdin=subprocess.DEVNULL, stdout=said, stderr=wrong,
                                 env=_environment(threads))
        try:
            yield from _awaited(child)
        finally:
            child.kill()
            child.wait()
        said.seek(0)
        wrong.seek(0)
        return _read(said.read(), wrong.read(), child.returncode)


def _awaited(child: subprocess.Popen[bytes]) -> Generator[None, None, None]:
    for _ in range(int(LIMIT_S / LOOK_S)):
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(LOOK_S)
            return
        yield
    raise Broke(f"it was not done after {LIMIT_S:.0f} s")


def _environment(threads: int) -> dict[str, str]:
    """The workshop found from anywhere, and libraries that open no more threads than were asked for."""
    path = [str(Path(worker.__file__).parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(path), "OMP_NUM_THREADS": str(threads), "PYTHONDONTWRITEBYTECODE": "1"}


def _read(said: bytes, wrong: bytes, code: int) -> dict[str, Any]:
    try:
        found = json.loads(said.decode().splitlines()[-1]) if code == 0 else None
    except (ValueError, IndexError):
        found = None
    if not isinstance(found, dict):
        last = (wrong.decode(errors="replace").strip().splitlines() or [f"it ended with {code}"])[-1]
        raise Broke(last[:300])
    return found


def drop_from_cache(path: Path) -> bool:
    """Ask the system to forget the file's bytes, so that they come from the disk again; whether it did, as far as can be seen."""
    if not hasattr(os, "posix_fadvise"):
        return False
    try:
        handle = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        share = _cached(handle)
    except OSError:
        return False
    finally:
        os.close(handle)
    return share is not None and share <= DROPPED


def _cached(handle: int) -> float | None:
    """The share of the file's pages that are in memory; None where the system does not tell."""
    size = os.fstat(handle).st_size
    if not size or sys.platform != "linux":
        return None
    pages = -(-size // mmap.PAGESIZE)
    seen = (ctypes.c_ubyte * pages)()
    with mmap.mmap(handle, size) as view:
        first = ctypes.c_char.from_buffer(view)
        failed = ctypes.CDLL(None, use_errno=True).mincore(ctypes.c_void_p(ctypes.addressof(first)), ctypes.c_size_t(size), seen)
        del first
    return None if failed else sum(page & 1 for page in seen) / pages
