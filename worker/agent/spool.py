"""What a run said and the portal has not confirmed yet: on disk before anything else, sent in numbered batches, each once.

One file of JSON lines that only grows, and a small one that says up to where it is confirmed and which batch is on its way.
A batch that was once sent is sent again with the same number and the same words until it is confirmed, across reboots too.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from worker.durable import write_durably

# Half of what the portal reads at once: as it is sent, a line is longer than here.
MOST_EVENTS, MOST_BATCH_BYTES = 500, 1_000_000
ROOM_BYTES = 64_000_000
TERMINAL = ("finished", "failed", "cancelled")
Event = dict[str, Any]


class Batch(NamedTuple):
    """Events under one number; `end`: where they end in the file."""

    number: int
    events: list[Event]
    end: int


class Spool:
    """`add` by who listens to the run, `next` and `confirm` by who sends; both may do so at the same time."""

    def __init__(self, folder: Path, most_bytes: int = ROOM_BYTES) -> None:
        self._folder, self._most, self._lock = folder, most_bytes, threading.Lock()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        known = self._known()
        self._round: int = known["round"]
        self._number: int = known["number"]
        self._at: int = known["at"]
        self._end: int | None = known["end"]
        self._size = _whole_lines(self._file)
        self.ended = _ends(self._file)

    # Who listens

    def add(self, events: Iterable[Event]) -> None:
        """Durable when it returns; OSError when the disk is full, and then nothing of it was added."""
        lines = [json.dumps(event, separators=(",", ":")).encode() + b"\n" for event in events]
        if not lines:
            return
        with self._lock:
            if self._size - self._at + sum(map(len, lines)) > self._most:
                self._make_room()
            elif self._at > self._most and self._end is None:
                self._rewrite(self._waiting())
            self._append(b"".join(lines))
        self.ended = self.ended or _is_last(lines[-1])

    def _append(self, body: bytes) -> None:
        with self._file.open("r+b" if self._file.exists() else "wb") as out:
            out.seek(self._size)
            try:
                out.write(body)
                out.flush()
                os.fdatasync(out.fileno())
            except OSError:
                out.truncate(self._size)
                raise
        self._size += len(body)

    def _make_room(self) -> None:
        """Debug lines go first, then progress, then other lines of the log, the oldest of each; never what was measured."""
        kept = self._waiting()
        excess = sum(map(len, kept)) - self._most * 4 // 5
        for is_due in (_is_log("debug"), _is_progress, _is_log("info"), _is_log("warning", "error")):
            going = set()
            for place, line in enumerate(kept):
                if excess <= 0:
                    break
                if is_due(json.loads(line)):
                    going.add(place)
                    excess -= len(line)
            kept = [line for place, line in enumerate(kept) if place not in going]
        self._rewrite(kept)

    def _waiting(self) -> list[bytes]:
        """Lines behind the batch that is on its way."""
        return self._read(self._end if self._end is not None else self._at, self._size)

    def _rewrite(self, waiting: list[bytes]) -> None:
        """A new file with the batch on its way and these lines; the note switches to it, then the old one goes."""
        sent = self._read(self._at, self._end) if self._end is not None else []
        old, body = self._file, b"".join([*sent, *waiting])
        write_durably(self._named(self._round + 1), body)
        self._round, self._at, self._size = self._round + 1, 0, len(body)
        self._end = sum(map(len, sent)) if sent else None
        self._note()
        old.unlink(missing_ok=True)

    # Who sends

    def next(self) -> Batch | None:
        """The batch that is on its way, or a new one; its number and extent are durable before it is given out."""
        with self._lock:
            if self._end is None:
                if self._at >= self._size:
                    return None
                self._end = self._at + self._extent()
                self._number += 1
                self._note()
            return Batch(self._number, _newest_progress(self._read(self._at, self._end)), self._end)

    def confirm(self, batch: Batch) -> None:
        """The portal has it. Not durable: after a crash it is sent once more, and the portal knows its number."""
        with self._lock:
            if batch.number == self._number and self._end is not None:
                self._at, self._end = self._end, None

    @property
    def confirmed(self) -> int:
        """The number of the last batch that the portal has."""
        return self._number if self._end is None else self._number - 1

    @property
    def is_empty(self) -> bool:
        with self._lock:
            return self._at >= self._size

    def _extent(self) -> int:
        taken = 0
        for count, line in enumerate(self._read(self._at, self._size)):
            if count >= MOST_EVENTS or (count and taken + len(line) > MOST_BATCH_BYTES):
                break
            taken += len(line)
        return taken

    # The files

    @property
    def _file(self) -> Path:
        return self._named(self._round)

    def _named(self, number: int) -> Path:
        return self._folder / f"events-{number}.jsonl"

    def _read(self, begin: int, end: int) -> list[bytes]:
        if end <= begin:
            return []
        with self._file.open("rb") as source:
            source.seek(begin)
            return source.read(end - begin).splitlines(keepends=True)

    def _known(self) -> dict[str, Any]:
        try:
            return dict(json.loads((self._folder / "sent.json").read_bytes()))
        except (OSError, ValueError):
            return {"round": 0, "number": 0, "at": 0, "end": None}

    def _note(self) -> None:
        known = {"round": self._round, "number": self._number, "at": self._at, "end": self._end}
        write_durably(self._folder / "sent.json", json.dumps(known).encode())


def _whole_lines(file: Path) -> int:
    """The size of the file without a last line that a crash cut short, which goes."""
    if not file.exists():
        return 0
    body = file.read_bytes()
    whole = body.rfind(b"\n") + 1
    if whole < len(body):
        os.truncate(file, whole)
    return whole


def _ends(file: Path) -> bool:
    lines = file.read_bytes().splitlines() if file.exists() else []
    return bool(lines) and _is_last(lines[-1])


def _is_last(line: bytes) -> bool:
    return str(json.loads(line).get("type")) in TERMINAL


def _is_log(*levels: str) -> Any:
    return lambda event: event.get("type") == "log" and event.get("level") in levels


def _is_progress(event: Event) -> bool:
    return event.get("type") == "progress"


def _newest_progress(lines: list[bytes]) -> list[Event]:
    """Of several reports of progress in one batch the last one tells all."""
    events = [json.loads(line) for line in lines]
    last = max((place for place, event in enumerate(events) if _is_progress(event)), default=-1)
    return [event for place, event in enumerate(events) if not _is_progress(event) or place == last]
