"""Small files under /sys and /proc, read without ever failing: what is not there, or not allowed, is not known."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

LONGEST = 65_536


def text(path: Path) -> str:
    """The file's text without its line end; empty where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(LONGEST).decode(errors="replace").strip()
    except OSError:
        return ""


def number(path: Path) -> int | None:
    """The whole number in the file, as these files have one; None for anything else."""
    found = text(path)
    return int(found) if re.fullmatch(r"-?\d{1,20}", found) else None


def numbers(paths: Iterator[Path]) -> list[int]:
    return [found for path in paths if (found := number(path)) is not None]


def under(folder: Path, pattern: str) -> Iterator[Path]:
    """What matches below the folder, in one order on every machine; nothing where there is no such folder."""
    try:
        found = sorted(folder.glob(pattern), key=lambda path: [int(part) if part.isdigit() else part
                                                               for part in re.split(r"(\d+)", str(path))])
    except OSError:
        return
    yield from found


def field(path: Path, name: str) -> int | None:
    """The number behind `name:` in a file of such lines, as /proc/meminfo."""
    found = re.search(rf"^{re.escape(name)}:\s+(\d+)", text(path), re.MULTILINE)
    return int(found[1]) if found else None
