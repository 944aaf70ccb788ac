"""What was measured so far, kept portion by portion: a benchmark that was cut off goes on after the last one that is whole.

The lines are a file in the run's folder. With every part that ends, and now and then within one, they are a checkpoint too: what
shows that the run gets on, and what another host goes on from.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from worker.context import Checkpoints, write_durably

Facts = dict[str, Any]
NAME = "benchmark"
MARK_S = 10.0


class Journal:
    """A file of lines, each durable when `keep` or `end` returns. `part` names what a line belongs to."""

    def __init__(self, path: Path, checkpoints: Checkpoints | None = None) -> None:
        self._path, self._checkpoints, self._marked = path, checkpoints, time.monotonic()
        if not path.exists() and checkpoints and (known := checkpoints.last(NAME)):
            write_durably(path, known[1])
        self._lines = _whole(path)

    def keep(self, part: str, facts: Facts) -> None:
        """One more portion of the part."""
        self._write({"part": part, "is": "portion", "facts": facts})
        if time.monotonic() - self._marked >= MARK_S:
            self._mark()

    def end(self, part: str, facts: Facts | None = None) -> None:
        """The part is done; it will not be measured again."""
        self._write({"part": part, "is": "end", "facts": facts or {}})
        self._mark()

    def portions(self, part: str) -> list[Facts]:
        return [line["facts"] for line in self._lines if line["part"] == part and line["is"] == "portion"]

    def ended(self, part: str) -> Facts | None:
        """What was said at its end; None while it is not done."""
        return next((line["facts"] for line in self._lines if line["part"] == part and line["is"] == "end"), None)

    def _mark(self) -> None:
        if self._checkpoints:
            self._checkpoints.save(NAME, len(self._lines), self._path.read_bytes(), {})
            self._marked = time.monotonic()

    def _write(self, line: Facts) -> None:
        with self._path.open("ab") as file:
            file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        self._lines.append(line)


def _whole(path: Path) -> list[Facts]:
    """The lines up to the first that is not whole; what lies behind them is cut off, so that the next one starts clean."""
    found, size = [], 0
    if not path.exists():
        return []
    with path.open("rb+") as file:
        for raw in file:
            try:
                line = json.loads(raw) if raw.endswith(b"\n") else None
            except ValueError:
                line = None
            if not isinstance(line, dict) or not {"part", "is", "facts"} <= line.keys():
                break
            found.append(line)
            size += len(raw)
        file.truncate(size)
    return found
