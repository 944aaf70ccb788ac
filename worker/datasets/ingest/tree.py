"""Which class and part each picture of an archive belongs to, by the folders it lies in."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple
from zipfile import ZipFile, ZipInfo

from worker.archives import zips
from worker.datasets.ingest.given import MOST_CLASSES, PART_WORDS
from worker.datasets.ingest.pictures import shown
from worker.firstlook import Unfit, printable
from worker.firstlook.data import PICTURES

OTHER_PICTURES = (".svg", ".gif", ".tif", ".tiff", ".heic", ".heif", ".avif", ".ico", ".ppm", ".pgm", ".psd", ".jp2")
MOST_TEXT_BYTES = 20_000_000
# What Tiny ImageNet puts between a class, or a part without classes, and its pictures.
BETWEEN = "images"
WANTED = "Wanted are folders train, val and test with a folder for each class in them, or the folders of the classes alone."
Path = tuple[str, ...]


class Picture(NamedTuple):
    """An entry of the archive, its part ("" where the archive has none) and the name of its class."""

    entry: ZipInfo
    part: str
    label: str


@dataclass
class Tree:
    """All labelled pictures, and the classes in their order: by number where all are numbers, else by name."""

    pictures: list[Picture]
    classes: list[str]
    names: tuple[str, ...]
    notes: list[str] = field(default_factory=list)


def read(archive: ZipFile) -> Tree:
    """Unfit in one sentence when the folders tell no classes."""
    files = [entry for entry in archive.infolist() if not entry.is_dir() and not _is_litter(entry.filename)]
    entries = [entry for entry in files if entry.filename.lower().endswith(PICTURES)]
    _refuse_others(files)
    if not entries:
        raise Unfit(f"The archive holds no JPEG, PNG, BMP or WebP pictures. {WANTED}")
    paths = {entry.filename: tuple(part for part in entry.filename.split("/") if part) for entry in entries}
    depth = _root(list(paths.values()))
    texts = {entry.filename.lower().rpartition("/")[2]: entry for entry in files if entry.filename.lower().endswith(".txt")}
    notes: list[str] = []
    placed = [(entry, paths[entry.filename][depth:]) for entry in entries]
    pictures = list(_labelled(archive, placed, files, notes)) if _is_split(placed) else list(_unsplit(placed))
    classes = _classes(pictures)
    return Tree(pictures, classes, _names(archive, texts.get("words.txt"), classes), notes)


def _is_litter(name: str) -> bool:
    """What operating systems leave behind."""
    last = name.rpartition("/")[2]
    return name.startswith("__MACOSX/") or last.startswith(".") or last in ("Thumbs.db", "desktop.ini")


def _refuse_others(files: Iterable[ZipInfo]) -> None:
    for entry in files:
        if entry.filename.lower().endswith(OTHER_PICTURES):
            raise Unfit(f"Pictures are JPEG, PNG, BMP or WebP; the archive holds {shown(entry.filename)}.")


def _root(paths: list[Path]) -> int:
    """How many folders lie around all of it and mean nothing."""
    depth = 0
    while all(len(path) - depth >= 3 for path in paths):
        first = {path[depth] for path in paths}
        if len(first) > 1 or first.pop().lower() in PART_WORDS:
            break
        depth += 1
    return depth


def _is_split(placed: list[tuple[ZipInfo, Path]]) -> bool:
    firsts = {path[0] for _, path in placed if len(path) > 1}
    parts = {first for first in firsts if first.lower() in PART_WORDS}
    if not parts:
        return False
    if "train" not in {part.lower() for part in parts}:
        raise Unfit(f"The archive has the folder {printable(min(parts))!r} but none called train. {WANTED}")
    if firsts > parts:
        raise Unfit(f"Beside the folder train lies {printable(min(firsts - parts))!r}, which is no part. {WANTED}")
    return True


def _unsplit(placed: list[tuple[ZipInfo, Path]]) -> Iterator[Picture]:
    for entry, path in placed:
        if len(path) < 2:
            raise _classless(entry)
        yield Picture(entry, "", path[0])


def _classless(entry: ZipInfo) -> Unfit:
    return Unfit(f"The picture {shown(entry.filename)} lies in no folder of a class. {WANTED}")


def _labelled(
    archive: ZipFile, placed: list[tuple[ZipInfo, Path]], files: list[ZipInfo], notes: list[str],
) -> Iterator[Picture]:
    """Every picture that has a label; a test part without any is left out, and that is said."""
    listed = _annotations(archive, files)
    known = {path[1] for _, path in placed if len(path) > 2 and path[0].lower() == "train"}
    left: Counter[str] = Counter()
    for entry, path in placed:
        part = PART_WORDS.get(path[0].lower(), "") if len(path) > 1 else ""
        flat = len(path) == 2 or (path[1] == BETWEEN and BETWEEN not in known) if part else True
        if not flat:
            yield Picture(entry, part, path[1])
        elif part in listed:
            yield Picture(entry, part, _listed(listed[part], entry, path[-1]))
        elif part == "test":
            left[path[0]] += 1
        else:
            raise _classless(entry)
    notes += [f"The {count:,} pictures in {printable(name)} have no labels and were left out." for name, count in left.items()]


def _annotations(archive: ZipFile, files: list[ZipInfo]) -> dict[str, dict[str, str]]:
    """`val/val_annotations.txt`: the name of a picture and its class, tab between them, a line each."""
    found: dict[str, dict[str, str]] = {}
    for entry in files:
        folders, _, last = entry.filename.lower().rpartition("/")
        part = PART_WORDS.get(folders.rpartition("/")[2], "")
        if part and re.fullmatch(r"(\w+_)?annotations\.txt", last):
            found[part] = dict(_pairs(_lines(archive, entry)))
    return found


def _pairs(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    for line in lines:
        first, _, rest = line.partition("\t")
        yield first.strip(), rest.partition("\t")[0].strip()


def _listed(labels: dict[str, str], entry: ZipInfo, last: str) -> str:
    label = labels.get(last, "")
    if not label:
        raise Unfit(f"The list of annotations tells no class of the picture {shown(entry.filename)}.")
    return label


def _lines(archive: ZipFile, entry: ZipInfo) -> list[str]:
    if entry.file_size > MOST_TEXT_BYTES:
        raise Unfit(f"{shown(entry.filename)} has {entry.file_size:,} bytes; at most {MOST_TEXT_BYTES:,} of text are read.")
    return b"".join(zips.pieces(archive, entry)).decode("utf-8", "replace").splitlines()


def _classes(pictures: list[Picture]) -> list[str]:
    taught = {picture.label for picture in pictures if picture.part in ("", "train")}
    for picture in pictures:
        if picture.label not in taught:
            raise Unfit(f"The picture {shown(picture.entry.filename)} is of the class {printable(picture.label)!r}, of which "
                        "there are none to train on.")
        if not picture.label.isprintable() or len(picture.label) > 100:
            raise Unfit(f"The folder of {shown(picture.entry.filename)} has a name that is too long or no plain text.")
    if not 2 <= len(taught) <= MOST_CLASSES:
        raise Unfit(f"The pictures are of {len(taught):,} class{'' if len(taught) == 1 else 'es'}; 2 to {MOST_CLASSES:,} are "
                    f"taken. {WANTED}")
    are_numbers = all(label.isascii() and label.isdigit() and len(label) < 10 for label in taught)
    return sorted(taught, key=(lambda label: (int(label), label)) if are_numbers else (lambda label: (0, label)))


def _names(archive: ZipFile, words: ZipInfo | None, classes: list[str]) -> tuple[str, ...]:
    """What people call the classes: the first word of `words.txt` for each, else the folder's name."""
    said = dict(_pairs(_lines(archive, words))) if words else {}
    firsts = {label: "".join(filter(str.isprintable, said.get(label, "").partition(",")[0].strip()))[:80] for label in classes}
    times = Counter(firsts.values())
    # A crane is a bird and a machine.
    return tuple(label if not first else first if times[first] == 1 else f"{first} ({label})"[:100]
                 for label, first in firsts.items())
