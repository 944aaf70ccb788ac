"""The store of files by content: written once by tmp + fsync + rename, read by hash, never by a person's text.

The files lie in a folder of this host, or in object storage; then the folder is a bounded cache of it.
"""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from pathlib import Path
from typing import IO, Any

from django.conf import settings

from apps.catalog import cache, objects
from apps.catalog.models import Blob
from apps.catalog.objects import Away, Missing, Unreadable

__all__ = ["Away", "Damaged", "Missing", "Reader", "Unreadable", "keep", "local", "name", "open", "path", "put"]
CHUNK = 1 << 20
SHA256 = re.compile(r"[0-9a-f]{64}")
# Files whose hash this process has checked: inode, size and time of change as they were then.
_checked: dict[Path, tuple[int, int, int]] = {}


class Damaged(Unreadable):
    """The bytes that lie there are not those that were written."""


def name(sha256: str) -> str:
    """The name of these bytes in the store; ValueError for anything that is not a SHA-256."""
    if not SHA256.fullmatch(sha256):
        raise ValueError("not a SHA-256")
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def path(sha256: str) -> Path:
    """Where the bytes of this hash lie on this host, when it has them."""
    return Path(settings.BLOB_CACHE if settings.OBJECT_STORE else settings.BLOBS) / name(sha256)


def keep(source: Path) -> Blob:
    """Copy a file into the store and return its row; the same content is kept once."""
    sha256, size = put(source)
    return Blob.objects.get_or_create(sha256=sha256, defaults={"size_bytes": size})[0]


def put(source: Path, expected: str | None = None) -> tuple[str, int]:
    """Copy a file into the store without a row: its hash and size. Damaged when the hash is not the expected one."""
    with _incoming() as tmp:
        sha256, size = _copy(source, tmp)
        if expected not in (None, sha256):
            raise Damaged(str(expected))
        if settings.OBJECT_STORE:
            # From our copy: nobody can change it between its hash and its way out.
            objects.put(name(sha256), tmp, size)
        _settle(tmp, path(sha256))
    return sha256, size


def local(sha256: str) -> Path:
    """A file of this host with exactly these bytes, checked against their hash; Missing, Damaged or Away when there is none.

    From object storage it is fetched once and kept while there is room; use it soon, or open it.
    """
    there = path(sha256)
    if settings.OBJECT_STORE and not _is_whole(there, sha256):
        there.unlink(missing_ok=True)
        _fetch(sha256, there)
    elif not there.is_file():
        raise Missing(sha256)
    elif not _is_whole(there, sha256):
        raise Damaged(sha256)
    if settings.OBJECT_STORE:
        cache.touch(there)
    return there


def open(sha256: str) -> Reader:
    """The bytes as a stream that takes no memory to speak of; damaged bytes never arrive as a whole file."""
    try:
        handle = path(sha256).open("rb")
        return Reader(handle, os.fstat(handle.fileno()).st_size, sha256)
    except FileNotFoundError:
        if not settings.OBJECT_STORE:
            raise Missing(sha256) from None
    return Reader(*objects.stream(name(sha256)), sha256)


class Reader:
    """Holds each piece back until the next one is here, and the last one until the hash of all is right."""

    def __init__(self, source: Any, size: int, sha256: str) -> None:
        self.size = size
        self._source, self._sha256 = source, sha256
        self._digest, self._held, self._begun = hashlib.sha256(), b"", False

    def read(self, size: int = CHUNK) -> bytes:
        if not self._begun:
            self._begun, self._held = True, self._next(size)
        piece, self._held = self._held, self._next(size) if self._held else b""
        if piece and not self._held and self._digest.hexdigest() != self._sha256:
            raise Damaged(self._sha256)
        return piece

    def _next(self, size: int) -> bytes:
        piece: bytes = self._source.read(size)
        self._digest.update(piece)
        return piece

    def close(self) -> None:
        self._source.close()


class _incoming:  # noqa: N801  used as a function
    """A file of its own in the store's folder, so that a rename brings it to its place; gone afterwards."""

    def __enter__(self) -> Path:
        folder = Path(settings.BLOB_CACHE if settings.OBJECT_STORE else settings.BLOBS) / "incoming"
        folder.mkdir(parents=True, exist_ok=True)
        self.tmp = folder / uuid.uuid4().hex
        return self.tmp

    def __exit__(self, *_: object) -> None:
        self.tmp.unlink(missing_ok=True)


def _fetch(sha256: str, target: Path) -> None:
    source = open(sha256)
    try:
        with _incoming() as tmp:
            with tmp.open("wb") as write:
                while piece := source.read(CHUNK):
                    write.write(piece)
                _sync(write)
            _settle(tmp, target)
    finally:
        source.close()
    cache.trim(Path(settings.BLOB_CACHE), settings.BLOB_CACHE_BYTES)


def _is_whole(file: Path, sha256: str) -> bool:
    """Whether the file is there and has that hash; asked once for each state of the file."""
    try:
        facts = file.stat()
        state = (facts.st_ino, facts.st_size, facts.st_ctime_ns)
        if _checked.get(file) != state:
            if _hash(file) != sha256:
                return False
            _checked[file] = state
        return True
    except FileNotFoundError:
        return False


def _hash(file: Path) -> str:
    with file.open("rb") as read:
        return hashlib.file_digest(read, "sha256").hexdigest()


def _copy(source: Path, target: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as read, target.open("wb") as write:
        while chunk := read.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
            write.write(chunk)
        _sync(write)
    return digest.hexdigest(), size


def _sync(write: IO[bytes]) -> None:
    write.flush()
    os.fsync(write.fileno())


def _settle(tmp: Path, target: Path) -> None:
    if _is_whole(target, target.name):
        return  # A damaged one is replaced: whoever brings the right bytes again mends it for all.
    target.parent.mkdir(parents=True, exist_ok=True)
    tmp.chmod(0o440)
    tmp.rename(target)
    handle = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
