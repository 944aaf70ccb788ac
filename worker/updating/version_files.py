"""Files of a network's versions on a device: what their names say, and whether they are whole."""

from __future__ import annotations

import re
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
