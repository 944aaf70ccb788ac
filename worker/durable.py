"""Files that a crash leaves whole. Python's own library alone: a board joins with it before it has anything else."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_durably(path: Path, body: bytes) -> None:
    """Write so that a crash leaves either the old file or the new one: tmp, fsync, rename, fsync of the folder."""
    # Nobody else's name: a worker that was given up may still write the same file beside the one that took over.
    tmp = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        with tmp.open("xb") as out:
            out.write(body)
            out.flush()
            os.fsync(out.fileno())
        tmp.rename(path)
    except BaseException:
        tmp.unlink(missing_ok=True)
        raise
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
