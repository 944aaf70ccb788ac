"""The files of a run, brought to the board: what came in part goes on where it stopped, what has other bytes is thrown away."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from worker.agent.hardware import free_bytes
from worker.agent.portal import Patience, Portal
from worker.agent.wording import NO_ROOM, Away

TRIES = 3
SPARE_BYTES = 50_000_000


class Unfetchable(Exception):
    """The run cannot begin here; the text says why."""


class Wanted(NamedTuple):
    """One file of an order."""

    path: str
    sha256: str
    size_bytes: int
    url: str


def fetch_all(files: list[dict[str, Any]], folder: Path, portal: Portal, wait: Callable[[float], bool]) -> bool:
    """All files of the order under `folder`; False when `wait` says to stop. Unfetchable when one cannot be had."""
    wanted = [Wanted(each["path"], each["sha256"], each["size_bytes"], each["url"]) for each in files]
    missing = [each for each in wanted if not is_whole(_inside(folder, each.path), each)]
    needed, free = sum(each.size_bytes for each in missing) + SPARE_BYTES, free_bytes(folder)
    if missing and free < needed:
        raise Unfetchable(NO_ROOM.format(free=free // 10**6, needed=needed // 10**6))
    return all(_fetched(each, _inside(folder, each.path), portal, wait) for each in missing)


def _fetched(wanted: Wanted, target: Path, portal: Portal, wait: Callable[[float], bool]) -> bool:
    target.parent.mkdir(parents=True, exist_ok=True)
    part, patience, wrong = target.with_name(f"{target.name}.part"), Patience(), 0
    while wrong < TRIES:
        had = part.stat().st_size if part.exists() else 0
        try:
            portal.fetch(wanted.url, part, most=wanted.size_bytes)
        except Away as away:
            if wait(patience.next(away.retry_after)):
                return False
            continue
        if is_whole(part, wanted):
            part.replace(target)
            return True
        if had < part.stat().st_size < wanted.size_bytes:
            continue  # Cut in the middle: the rest is asked for.
        part.unlink()
        wrong += 1
    raise Unfetchable(f"The file {wanted.path} came {TRIES} times with other bytes than the portal promised; it was not used.")


def is_whole(file: Path, wanted: Wanted) -> bool:
    return file.is_file() and file.stat().st_size == wanted.size_bytes and sha256_of(file) == wanted.sha256


def sha256_of(file: Path) -> str:
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


def _inside(folder: Path, path: str) -> Path:
    """Where the file lies in the run's folder; a path that leads anywhere else is refused."""
    parts = PurePosixPath(path)
    if not path or parts.is_absolute() or ".." in parts.parts or "\\" in path or "\x00" in path:
        raise Unfetchable("The portal named a file by a path that leads out of the run's folder; nothing was fetched.")
    return folder.joinpath(*parts.parts)
