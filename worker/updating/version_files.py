"""Files of a network's versions on a device: what their names say, whether they are whole, and the links that lead to them."""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from worker.updating.change import sha256

NAMED = re.compile(r"(\d{16})-([0-9a-f]{64})(\.first)?\.(onnx|safetensors)")


@dataclass(frozen=True)
class Version:
    """One version of the network on the device's disk. `is_first`: brought whole, and updates may begin from it again."""

    number: int
    sha256: str
    file: Path
    is_first: bool

    @classmethod
    def of(cls, file: Path) -> Version | None:
        found = NAMED.fullmatch(file.name)
        return cls(int(found[1]), found[2], file, bool(found[3]) or not int(found[1])) if found else None

    @property
    def is_whole(self) -> bool:
        try:
            return sha256(self.file.read_bytes()) == self.sha256
        except OSError:
            return False


def linked(folder: Path, name: str) -> Version | None:
    """What the link of this name says, whether its file is there or not; None where there is no link."""
    try:
        return Version.of(folder / (folder / name).readlink())
    except OSError:
        return None


def link(folder: Path, name: str, version: Version) -> None:
    """Lead the link there: it changes at once or not at all, and stays changed when this returns."""
    fresh = folder / f"{name}.{secrets.token_hex(4)}.tmp"
    fresh.symlink_to(version.file.name)
    fresh.replace(folder / name)
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
