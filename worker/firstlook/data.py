"""What a data set from outside is, by its first bytes and its name: it is named at once, or refused with what to send instead."""

from __future__ import annotations

import re
from collections.abc import Iterable

from worker.firstlook import recordings, sentences, tape
from worker.firstlook.sentences import Unfit

# Of CIFAR's binary files: how many bytes of labels stand before the 3,072 of each image, and how many classes they tell.
CIFAR_10, CIFAR_100 = "CIFAR-10, binary", "CIFAR-100, binary"
RECORDS = {CIFAR_10: ((10,), re.compile(r"(data_batch_\d{1,3}|test_batch)\.bin")),
           CIFAR_100: ((20, 100), re.compile(r"(train|test)\.bin"))}
PIXELS = 3 * 32 * 32
PICTURES = (".jpeg", ".jpg", ".png", ".bmp", ".webp")
OF_PICTURES, OF_ARRAYS, OF_TAPE = "pictures in folders", "NumPy arrays", "a tar archive"
OF_RECORDINGS = "recorded detections"


def of_names(names: Iterable[str], *, whole: bool = False) -> str:
    """What an archive with these entries, or with `whole` only these, is; empty when they do not tell."""
    names = list(names)
    lasts = [name.rstrip("/").rpartition("/")[2] for name in names]
    for kind, (_, pattern) in RECORDS.items():
        if any(pattern.fullmatch(last) for last in lasts):
            return kind
    if any(last.lower().endswith(".npy") for last in lasts[:1]):
        return OF_ARRAYS
    if recordings.is_one(names, whole=False):
        return OF_RECORDINGS  # The challenges' own folders hold pictures too.
    if any(last.lower().endswith(PICTURES) for last in lasts):
        return OF_PICTURES
    return OF_RECORDINGS if whole and recordings.is_one(names, whole=True) else ""


def of_tape(head: bytes) -> str:
    """Of a tar archive, plain or gzipped; Unfit for one that holds anything but CIFAR's binary files."""
    packed = tape.is_gzip(head)
    body = tape.unpacked(head) if packed else head
    if len(body) >= tape.BLOCK and not tape.is_tape(body):
        raise Unfit(f"This is a gzip file with no tar archive in it. {sentences.SEND_DATASET}")
    names = list(tape.entries(body))
    if any(re.search(r"cifar-100?-(batches-)?py|cifar-100-python|(^|/)data_batch_\d$", name.rstrip("/")) for name in names):
        raise Unfit(sentences.PICKLED_CIFAR)
    if any(re.search(r"cifar-10-batches-mat|cifar-100-matlab|\.mat$", name) for name in names):
        raise Unfit(sentences.MATLAB_CIFAR)
    found = of_names(names)
    if found in (OF_PICTURES, OF_ARRAYS, OF_RECORDINGS):
        raise Unfit(sentences.TAR_OF_OTHERS)
    return found or OF_TAPE


def of_records(name: str, head: bytes, size: int) -> str:
    """Of a single file of CIFAR's records: its size is a multiple of theirs, and every label in sight is one."""
    if not name.lower().endswith(".bin"):
        return ""
    return next((kind for kind, (labels, _) in RECORDS.items() if size and _fits(labels, head, size)), "")


def _fits(labels: tuple[int, ...], head: bytes, size: int) -> bool:
    record = len(labels) + PIXELS
    seen = (head[place::record] for place in range(len(labels)))
    return size % record == 0 and all(all(label < most for label in column) for column, most in zip(seen, labels, strict=True))
