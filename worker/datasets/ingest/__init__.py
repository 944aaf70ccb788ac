"""Data sets of other people's making: whatever kind of file came, it becomes images and labels that lie on disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from worker.archives import MOST_ENTRIES, tars, zips
from worker.datasets.ingest import arrays, cifar, folders
from worker.datasets.ingest.folders import SizeOpen
from worker.datasets.ingest.given import Given
from worker.firstlook import Unfit, data, entries, look, sentences

__all__ = ["Given", "SizeOpen", "read"]
# Tiny ImageNet has 120,000 files; the directory of as many as this is read in some seconds and 300 MB.
MOST_PICTURES = 300_000
HEAD_BYTES = 1 << 20
# A single file of records is one by its name too; what it was called, the first look has seen when it came.
ANY_NAME = "any.bin"
Step = Callable[[str, str], object]


def read(path: Path, folder: Path, most_bytes: int, *, in_shape: tuple[int, ...] | None, step: Step) -> Given:
    """Unpacked into `folder`, checked row by row; Unfit in one sentence. `in_shape`: what pictures are to be brought to."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    size = path.stat().st_size
    seen = look("dataset", ANY_NAME, head, size)
    step("unpacking", seen)
    if head.startswith(b"PK\x03\x04"):
        return _of_zip(path, folder, most_bytes, head, in_shape, step)
    if seen in data.RECORDS and data.of_records(ANY_NAME, head, size):
        return cifar.read_one(path, seen)
    if seen in (*data.RECORDS, data.OF_TAPE):
        return cifar.read(tars.entries(path, most_bytes), folder)
    raise Unfit(sentences.NO_DATASET)


def _of_zip(
    path: Path, folder: Path, most_bytes: int, head: bytes, in_shape: tuple[int, ...] | None, step: Step,
) -> Given:
    """What is in it, its directory tells; few entries where arrays are expected, many where they may be pictures."""
    most = MOST_ENTRIES if next(entries(head), "").endswith(".npy") else MOST_PICTURES
    with zips.opened(path, most_bytes, most) as archive:
        found = data.of_names(archive.namelist())
        if found == data.OF_ARRAYS:
            return arrays.read(archive, folder)
        if found == data.OF_PICTURES:
            return folders.read(archive, folder, most_bytes, in_shape, step)
        if found in data.RECORDS:
            return cifar.read(zips.entries(archive), folder)
    raise Unfit(sentences.NO_DATASET)
