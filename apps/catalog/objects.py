"""Object storage, when there is one: put, stream, list, with every failure told in our own words."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.files.storage import default_storage


class Unreadable(Exception):
    """A file cannot be had; its text is the file's name in the store, for the log."""


class Missing(Unreadable):
    """The store does not have it."""


class Away(Unreadable):
    """The store does not answer, or not to us; what it holds may well be whole."""


class Body:
    """What is being read from object storage, piece by piece."""

    def __init__(self, name: str, source: Any) -> None:
        self._name, self._source = name, source

    def read(self, size: int) -> bytes:
        piece: bytes = _asked(self._name, lambda: self._source.read(size))
        return piece

    def close(self) -> None:
        self._source.close()


def put(name: str, file: Path, size: int) -> None:
    """Bring a file there, unless one of that name and size is there already."""
    with file.open("rb") as source:
        if _size(name) != size:
            _asked(name, lambda: default_storage.save(name, File(source, name)))


def write(name: str, body: bytes) -> None:
    """Put these few bytes there, in place of what has that name; readers find the old ones or the new ones."""
    _asked(name, lambda: default_storage.save(name, File(io.BytesIO(body), name)))


def stream(name: str) -> tuple[Body, int]:
    """The bytes of that name as they come in, and how many they are."""
    found = _asked(name, lambda: default_storage.bucket.Object(name).get())  # type: ignore[attr-defined]
    return Body(name, found["Body"]), int(found["ContentLength"])


def under(folder: str) -> list[str]:
    """The names of all that lies under that folder, at any depth."""
    found = _asked(folder, lambda: list(default_storage.bucket.objects.filter(Prefix=f"{folder}/")))  # type: ignore[attr-defined]
    return [one.key for one in found]


def remove(name: str) -> None:
    _asked(name, lambda: default_storage.delete(name))


def _size(name: str) -> int | None:
    try:
        size: int = _asked(name, lambda: default_storage.size(name))
        return size
    except (Missing, FileNotFoundError):
        return None


def _asked(name: str, ask: Callable[[], Any]) -> Any:
    """Ask object storage; its library's errors become ours."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

    try:
        return ask()
    except ClientError as error:
        gone = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404
        raise (Missing if gone else Away)(name) from error
    except (Boto3Error, BotoCoreError, HTTPClientError, OSError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise Away(name) from error
