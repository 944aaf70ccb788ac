"""The store of files by content: written once by tmp + fsync + rename, read by hash, never by a person's text."""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from pathlib import Path

from django.conf import settings

from apps.catalog.models import Blob

CHUNK = 1 << 20
SHA256 = re.compile(r"[0-9a-f]{64}")


def path(sha256: str) -> Path:
    """Where the bytes of this hash lie; ValueError for anything that is not a SHA-256."""
    if not SHA256.fullmatch(sha256):
        raise ValueError("not a SHA-256")
    return Path(settings.BLOBS) / sha256[:2] / sha256[2:4] / sha256


def keep(source: Path) -> Blob:
    """Copy a file into the store and return its row; the same content is kept once."""
    folder = Path(settings.BLOBS) / "incoming"
    folder.mkdir(parents=True, exist_ok=True)
    tmp = folder / uuid.uuid4().hex
    try:
        sha256, size = _copy(source, tmp)
        _settle(tmp, path(sha256))
    finally:
        tmp.unlink(missing_ok=True)
    return Blob.objects.get_or_create(sha256=sha256, defaults={"size_bytes": size})[0]


def _copy(source: Path, target: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as read, target.open("wb") as write:
        while chunk := read.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
            write.write(chunk)
        write.flush()
        os.fsync(write.fileno())
    return digest.hexdigest(), size


def _settle(tmp: Path, target: Path) -> None:
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    tmp.chmod(0o440)
    tmp.rename(target)
    handle = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
