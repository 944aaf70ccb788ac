"""What a serving process is told by who starts it: one line of JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from worker.switching.holding import Residency


@dataclass(frozen=True)
class Setup:
    """`files`: of the networks by name, as the residency takes them: packed ones where it is `packed`. `shape`: of one image."""

    residency: Residency
    files: dict[str, str]
    first: str
    shape: tuple[int, ...]
    threads: int = 1

    def as_line(self) -> bytes:
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Setup:
        told = json.loads(line)
        return cls(**{**told, "shape": tuple(told["shape"])})
