"""CIFAR's binary files: records of one or two bytes of labels and 3,072 of an image, unpacked to disk and mapped from there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from worker.archives.entry import Entry
from worker.datasets.ingest.given import Array, Given, empty_classes, enough_to_split
from worker.firstlook import WARNING, Unfit, printable
from worker.firstlook.data import CIFAR_10, CIFAR_100, PIXELS, RECORDS
from worker.firstlook.sentences import MATLAB_CIFAR, PICKLED_CIFAR

IN_SHAPE = (3, 32, 32)
NAMES = {"batches.meta.txt": CIFAR_10, "fine_label_names.txt": CIFAR_100}
NOT_NAMED = ("readme.html", "coarse_label_names.txt")
MOST_NAMES_BYTES = 100_000
BATCHES = 5
FINE = "Its 100 fine labels are the classes; the 20 coarse ones were left out."
NONE = "The archive holds no file of CIFAR's binary version, as data_batch_1.bin and test_batch.bin, or train.bin and test.bin."


def read(entries: Iterable[Entry], folder: Path) -> Given:
    """Of a whole archive; Unfit in one sentence, with the file, the row and both numbers."""
    found = _Found(folder)
    for entry in entries:
        found.take(entry)
    kind = found.kind()
    names = found.names.get(kind, ())
    classes = len(names) or RECORDS[kind][0][-1]
    parts = {part: _joined(kind, files, classes, folder / f"{part}.bin") for part, files in found.parts(kind).items()}
    return _given(kind, parts, names, [*found.notes(kind)])


def read_one(path: Path, kind: str) -> Given:
    """Of a single file of records; it is split like every data set that does not say its parts."""
    classes = RECORDS[kind][0][-1]
    _check_size(kind, "The file", path.stat().st_size)
    return _given(kind, {"": _mapped(kind, path, "the file", classes)}, (), [])


def _given(kind: str, parts: dict[str, tuple[Array, Array]], names: tuple[str, ...], notes: list[str]) -> Given:
    enough_to_split(parts)
    classes = len(names) or RECORDS[kind][0][-1]
    notes += [f"It came in the binary format of {kind.partition(',')[0]}.", *([FINE] if kind == CIFAR_100 else [])]
    notes += empty_classes([labels for _, labels in parts.values()], classes)
    return Given(parts, IN_SHAPE, classes, names or tuple(map(str, range(classes))), "RGB", notes=notes)


class _Found:
    """What an archive turns out to hold, by and by."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[str, Path] = {}
        self.names: dict[str, tuple[str, ...]] = {}
        self.unused: list[str] = []

    def take(self, entry: Entry) -> None:
        last = entry.last
        kind = next((kind for kind, (_, pattern) in RECORDS.items() if pattern.fullmatch(last)), "")
        if kind:
            self._unpack(kind, entry)
        elif last in NAMES:
            self.names[NAMES[last]] = _names(entry)
        elif re.fullmatch(r"data_batch_\d|test_batch|train|test|meta|batches\.meta", last):
            raise Unfit(PICKLED_CIFAR)
        elif last.endswith(".mat"):
            raise Unfit(MATLAB_CIFAR)
        elif last not in NOT_NAMED and not last.startswith("."):
            self.unused.append(printable(last))

    def _unpack(self, kind: str, entry: Entry) -> None:
        if entry.last in self.files:
            raise Unfit(f"The archive has {entry.last} twice.")
        _check_size(kind, entry.last, entry.size)
        self.files[entry.last] = target = self.folder / f"{len(self.files)}.raw"
        with target.open("wb") as out:
            for piece in entry.pieces:
                out.write(piece)

    def kind(self) -> str:
        kinds = {kind for kind, (_, pattern) in RECORDS.items() if any(map(pattern.fullmatch, self.files))}
        if len(kinds) > 1:
            raise Unfit(f"The archive holds CIFAR-10 and CIFAR-100 together ({', '.join(self.files)}); send them one by one.")
        if not kinds:
            raise Unfit(NONE)
        return kinds.pop()

    def parts(self, kind: str) -> dict[str, dict[str, Path]]:
        """The files of each part, in the order of their numbers."""
        ordered = dict(sorted(self.files.items(), key=lambda pair: _number(pair[0])))
        test = {name: path for name, path in ordered.items() if name.startswith("test")}
        train = {name: path for name, path in ordered.items() if name not in test}
        if not train:
            raise Unfit(f"The archive holds {', '.join(test)} alone: the files to train on are missing.")
        return {"train": train, "test": test} if test else {"train": train}

    def notes(self, kind: str) -> Iterator[str]:
        count = sum(name.startswith("data_batch") for name in self.files)
        if kind == CIFAR_10 and count < BATCHES:
            yield f"{WARNING} It has {count} of CIFAR-10's {BATCHES} training batches."
        if self.unused:
            yield f"Not used: {', '.join(self.unused[:10])}."


def _number(name: str) -> int:
    digits = re.search(r"\d+", name)
    return int(digits.group()) if digits else 0


def _names(entry: Entry) -> tuple[str, ...]:
    """A name a line; empty lines stand at the end of CIFAR-10's own."""
    if entry.size > MOST_NAMES_BYTES:
        raise Unfit(f"{entry.last} has {entry.size:,} bytes; at most {MOST_NAMES_BYTES:,} of names are read.")
    lines = b"".join(entry.pieces).decode("utf-8", "replace").splitlines()
    names = tuple(line.strip() for line in lines if line.strip())
    for row, name in enumerate(names, 1):
        if not name.isprintable() or len(name) > 100:
            raise Unfit(f"The name in line {row:,} of {entry.last} is too long or no plain text.")
    if not 2 <= len(names) <= 256:
        raise Unfit(f"{entry.last} has {len(names):,} names; CIFAR's files tell 2 to 256 classes apart.")
    return names


def _check_size(kind: str, name: str, size: int) -> None:
    record = len(RECORDS[kind][0]) + PIXELS
    if not size or size % record:
        raise Unfit(f"{name} has {size:,} bytes, which is no multiple of the {record:,} that an image of {kind} has.")


def _joined(kind: str, files: dict[str, Path], classes: int, target: Path) -> tuple[Array, Array]:
    """All files of a part as one, each checked on its own so that its rows have their numbers."""
    with target.open("wb") as out:
        for name, path in files.items():
            _mapped(kind, path, name, classes)
            with path.open("rb") as piece:
                while chunk := piece.read(1 << 20):
                    out.write(chunk)
            path.unlink()
    return _mapped(kind, target, target.name, classes)


def _mapped(kind: str, path: Path, name: str, classes: int) -> tuple[Array, Array]:
    """Images and labels, mapped; the label is the last byte before the image."""
    ahead = len(RECORDS[kind][0])
    raw = np.memmap(path, dtype=np.uint8, mode="r").reshape(-1, ahead + PIXELS)
    labels = np.array(raw[:, ahead - 1], dtype=np.int64)
    row = int(labels.argmax())
    if labels[row] >= classes:
        raise Unfit(f"The label in row {row:,} of {name} is {labels[row]}; there are {classes} classes, numbered from 0.")
    return raw[:, ahead:].reshape(-1, *IN_SHAPE), labels
