"""The pieces of uploads: one object each in the store, written under a name of ours, read in order, removed at the end."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage

from apps.catalog import objects
from apps.catalog.models import Upload, UploadPart

CHUNK = 1 << 20


def put(upload: Upload, offset: int, piece: IO[bytes]) -> str:
    """Keep a piece; its name. Two that are sent at once for one offset do not meet: each has a name of its own."""
    piece.seek(0)
    name = f"{_folder(upload)}/{offset:013d}-{secrets.token_hex(4)}"
    if settings.OBJECT_STORE:
        objects.write(name, piece.read())
        return name
    return default_storage.save(name, File(piece))


def remove(name: str) -> None:
    """Best effort: what stays because the store is away is swept at the next start."""
    with contextlib.suppress(OSError, objects.Unreadable):
        (objects.remove if settings.OBJECT_STORE else default_storage.delete)(name)


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


def _in_order(upload: Upload) -> Iterator[tuple[int, Any]]:
    for part in upload.parts.order_by("offset"):
        with contextlib.closing(_opened(part.name)) as piece:
            yield part.offset, piece


def _opened(name: str) -> Any:
    return objects.stream(name)[0] if settings.OBJECT_STORE else default_storage.open(name)


class Pieces(NamedTuple):
    """The names of everything that an upload left in the store."""

    folder: str
    names: frozenset[str]

    @classmethod
    def of(cls, upload: Upload) -> Pieces:
        return cls(_folder(upload), frozenset(UploadPart.objects.filter(upload_id=upload.pk).values_list("name", flat=True)))

    def remove(self) -> None:
        """Also those that no row names because a process died between the two."""
        for name in self.names | set(_under(self.folder)):
            remove(name)
        remove(self.folder)


def uploads_with_pieces() -> list[UUID]:
    """Which uploads have something in the store."""
    folders = {name.split("/")[1] for name in _under("uploads") if name.count("/") == 2}
    return [UUID(name) for name in sorted(folders) if len(name) == 32 and set(name) <= set("0123456789abcdef")]


def _under(folder: str) -> list[str]:
    """The names of all files there, at any depth; none when the folder is not there or the store is away."""
    try:
        if settings.OBJECT_STORE:
            return objects.under(folder)
        folders, files = default_storage.listdir(folder)
    except (OSError, objects.Unreadable):
        return []
    return [*(f"{folder}/{name}" for name in files), *(each for inner in folders for each in _under(f"{folder}/{inner}"))]


def _folder(upload: Upload) -> str:
    return f"uploads/{upload.pk.hex}"
