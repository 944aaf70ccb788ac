"""Files between a run and its board: sent to it, or sent by it; kept by content, under paths that lead nowhere else."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Sum

from apps.catalog import blobs
from apps.catalog.blobs import Damaged
from apps.catalog.models import Blob
from apps.devices.boards.unwelcome import Unwelcome
from apps.devices.models import Agent
from apps.experiments import board_words, recorder
from apps.experiments.board_leases import holding
from apps.experiments.board_words import Rejected
from apps.experiments.leases import Fenced
from apps.experiments.models import BoardFile, Run
from worker.events import Event, FileMade
from worker.profile import MEDIA_TYPE as PROFILE

MOST_FILES, MOST_BYTES = 200, 500_000_000
# A few folders deep, no hidden names, nothing that means "above".
NAME = r"[A-Za-z0-9_][A-Za-z0-9 _.+=-]{0,99}"
PATH = re.compile(rf"(?:{NAME}/){{0,3}}{NAME}")
OURS = "checkpoints/"
NO_PATH = "This is no path of a result file: letters, digits and _ . + = - in at most four parts."
OTHER_BYTES = "The bytes that came do not have this SHA-256; send them again."
TOO_MANY = f"A run on a board leaves at most {MOST_FILES} files of {MOST_BYTES // 10**6} MB together."


def keep_order(run: Run, paths: Iterable[str]) -> list[dict[str, Any]]:
    """The files that the prepared half names, kept for the board: {path, sha256, size_bytes} of each.

    Fenced when this holder's token is no longer the run's: a board may be at work with the files of another preparation.
    """
    kept = {path: blobs.keep(recorder.inside(run, path)) for path in dict.fromkeys(paths)}
    with transaction.atomic():
        if Run.objects.select_for_update(of=("self",)).filter(pk=run.pk, token=run.token).first() is None:
            raise Fenced(str(run))
        BoardFile.objects.filter(run=run).delete()
        BoardFile.objects.bulk_create(BoardFile(run=run, path=path, blob=blob, is_order=True) for path, blob in kept.items())
    return [{"path": path, "sha256": blob.sha256, "size_bytes": blob.size_bytes} for path, blob in kept.items()]


def ordered(agent: Agent, run: UUID, sha256: str) -> BoardFile | None:
    """A file of the order of a run that this device holds."""
    with transaction.atomic():
        held = holding(agent, run)
    return BoardFile.objects.filter(run=held, is_order=True, blob_id=sha256).select_related("blob").first()


class Rest:
    """What lies behind the first bytes of a file; all of it is read, so that damaged bytes are still found out."""

    def __init__(self, source: blobs.Reader, begin: int) -> None:
        self._source, self._skip = source, begin

    def read(self, size: int = blobs.CHUNK) -> bytes:
        piece = self._source.read(size)
        while piece and len(piece) <= self._skip:
            self._skip -= len(piece)
            piece = self._source.read(size)
        rest, self._skip = piece[self._skip:], 0
        return rest

    def close(self) -> None:
        self._source.close()


def receive(agent: Agent, run: UUID, lease: int, path: str, sha256: str, body: Path) -> BoardFile:
    """Keep a result file of a run that this device holds. The same file again changes nothing."""
    if not PATH.fullmatch(path) or len(path) > 200 or path.startswith(OURS):
        raise Unwelcome(422, NO_PATH, field="path")
    with transaction.atomic():
        holding(agent, run, lease)
    try:
        found, size = blobs.put(body, expected=sha256)
    except Damaged:
        raise Unwelcome(422, OTHER_BYTES, field="X-EdgePortal-SHA256") from None
    with transaction.atomic():
        held = holding(agent, run, lease)
        _refuse_too_many(held, path, size)
        blob = Blob.objects.get_or_create(sha256=found, defaults={"size_bytes": size})[0]
        return BoardFile.objects.update_or_create(run=held, path=path, is_order=False, defaults={"blob": blob})[0]


def _refuse_too_many(run: Run, path: str, size: int) -> None:
    others = BoardFile.objects.filter(run=run).exclude(path=path, is_order=False)
    if others.filter(path=path).exists():
        raise Unwelcome(422, "The board was sent a file of this path; it cannot be replaced.", field="path")
    results = others.filter(is_order=False)
    weight = results.aggregate(all=Sum("blob__size_bytes"))["all"] or 0
    if results.count() >= MOST_FILES or weight + size > MOST_BYTES:
        raise Unwelcome(422, TOO_MANY, field="path")


def bring(run: Run, events: Sequence[Event]) -> None:
    """Put the files that these events name into the run's folder on this host, where the recorder looks for them."""
    wanted = board_words.files_of(events)
    rows = {row.path: row for row in BoardFile.objects.filter(run=run).select_related("blob")} if wanted else {}
    sent = {path: row.blob_id for path, row in rows.items() if row.is_order}
    board_words.refuse_strange_variants(events, sent)
    for path in wanted:
        if path not in rows:
            raise Rejected(f"The file {path[:80]!r} was not sent before it was named.")
        _bring(run, path, rows[path].blob_id)
    for event in events:
        if isinstance(event, FileMade) and event.media_type == PROFILE:
            _refuse_strange(run, event.path, rows[event.path], {*sent.values(), *_given(run)})


def _bring(run: Run, path: str, sha256: str) -> None:
    target = recorder.folder(run) / path
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise Rejected(f"{path[:80]!r} would lie in what is a file already.") from None
    if target.is_dir():
        raise Rejected(f"{path[:80]!r} is a folder already.")
    if not target.resolve().is_relative_to(recorder.folder(run).resolve()):
        raise Rejected(f"{path[:80]!r} leads out of the run's folder.")
    tmp = target.with_name(f".{sha256[:16]}.brought")
    shutil.copyfile(blobs.local(sha256), tmp)
    tmp.replace(target)


def _refuse_strange(run: Run, path: str, row: BoardFile, known: set[str]) -> None:
    if row.blob.size_bytes > 1_000_000:
        raise Rejected(f"{path} has {row.blob.size_bytes:,} bytes; a profile has at most 1,000,000.")
    board_words.refuse_strange_profile(path, blobs.local(row.blob_id).read_bytes(), known)


def _given(run: Run) -> set[str]:
    """The hashes of the files that the run was given, and of what was made of them for the board."""
    return set(_hashes([run.inputs, run.order]))


def _hashes(value: Any) -> Iterator[str]:
    inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    if isinstance(value, dict) and isinstance(value.get("sha256"), str):
        yield value["sha256"]
    for each in inner:
        yield from _hashes(each)
