"""The pieces of uploads: one object each in the store, written under a name of ours, read in order, removed at the end."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, NamedTuple
from uuid import UUID

from django.core.files import File
from django.core.files.storage import default_storage

from apps.catalog.models import Upload, UploadPart

CHUNK = 1 << 20


def put(upload: Upload, offset: int, piece: IO[bytes]) -> str:
    """Keep a piece; its name. Two that are sent at once for one offset do not meet: each has a name of its own."""
    piece.seek(0)
    name: str = default_storage.save(f"{_folder(upload)}/{offset:013d}-{secrets.token_hex(4)}", File(piece))
    return name


def remove(name: str) -> None:
    with contextlib.suppress(OSError):
        default_storage.delete(name)


def gather(upload: Upload, target: Path, each: Callable[[], object] = lambda: None) -> int:
    """All pieces in their order as one file; how many bytes it has. Pieces that follow each other, or ValueError."""
    with target.open("wb") as whole:
        for offset, piece in _in_order(upload):
            each()
            if offset != whole.tell():
                raise ValueError(f"a piece at {offset} follows {whole.tell()} bytes")
            for chunk in iter(lambda piece=piece: piece.read(CHUNK), b""):  # type: ignore[misc]
                whole.write(chunk)
        return whole.tell()


def _in_order(upload: Upload) -> Iterator[tuple[int, IO[bytes]]]:
    for part in upload.parts.order_by("offset"):
        with default_storage.open(part.name) as piece:
            yield part.offset, piece


class Pieces(NamedTuple):
    """The names of everything that an upload left in the store."""

    folder: str
    names: frozenset[str]

    @classmethod
    def of(cls, upload: Upload) -> Pieces:
        return cls(_folder(upload), frozenset(UploadPart.objects.filter(upload_id=upload.pk).values_list("name", flat=True)))

    def remove(self) -> None:
        """Also those that no row names because a process died between the two."""
        for name in self.names | {f"{self.folder}/{name}" for name in _listed(self.folder)[1]}:
            remove(name)
        remove(self.folder)


def uploads_with_pieces() -> list[UUID]:
    """Which uploads have something in the store."""
    return [UUID(name) for name in _listed("uploads")[0] if len(name) == 32 and set(name) <= set("0123456789abcdef")]


def _listed(folder: str) -> tuple[list[str], list[str]]:
    """Folders and files there; neither when the folder is not there."""
    try:
        return default_storage.listdir(folder)
    except OSError:
        return [], []


def _folder(upload: Upload) -> str:
    return f"uploads/{upload.pk.hex}"
