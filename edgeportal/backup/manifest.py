"""What a backup says about itself; written last, so that a folder with a manifest is a whole backup."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from worker.context import write_durably

FORMAT = 1
NAME = "manifest.json"


class Unusable(Exception):
    """This backup cannot be made or used; the text is one sentence for the operator."""


class Manifest(BaseModel):
    """`files` are sizes by SHA-256; `lost` are those that the store itself had no longer."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    format: int = FORMAT
    made_at: str
    dump: str
    dump_sha256: str
    migrations: list[str]
    streams: int
    events: int
    files: dict[str, int]
    lost: list[str] = []

    def write(self, folder: Path) -> None:
        write_durably(folder / NAME, self.model_dump_json(indent=1).encode())


def read(folder: Path) -> Manifest:
    """The manifest of a backup; Unusable when there is none that we understand."""
    try:
        return Manifest.model_validate_json((folder / NAME).read_bytes())
    except FileNotFoundError:
        raise Unusable(f"{folder} holds no backup: there is no {NAME} in it.") from None
    except ValidationError:
        raise Unusable(f"{folder / NAME} is damaged, or of another version of EdgePortal.") from None


def sha256_of(file: Path) -> str:
    with file.open("rb") as read:
        return hashlib.file_digest(read, "sha256").hexdigest()


def place(folder: Path, sha256: str) -> Path:
    """Where a backup has the file of this hash."""
    return folder / "files" / sha256[:2] / sha256[2:4] / sha256
