"""A zip with a folder of pictures for each class as images and labels on disk, decoded one at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from zipfile import ZipFile, ZipInfo

import numpy as np

from worker.archives import zips
from worker.datasets.ingest import given, pictures, tree
from worker.datasets.ingest.given import Array, Given, enough_to_split, told
from worker.datasets.ingest.pictures import Seen, shown
from worker.datasets.ingest.tree import Picture, Tree
from worker.firstlook import Unfit

Shape = tuple[int, ...]
MOST_FILE_BYTES = 50_000_000
TO_BE = "Say to which channels, height and width they are to be brought, as 3x64x64."
VAL_IS_TEST = "Its val part became the test part, as in published comparisons: it had no other labelled one."
DONE = {
    "resized": "{n} of its pictures had another size: they were scaled to cover {size}, and what stood over was cut off.",
    "grey": "{n} of its pictures were grey: their channel was repeated three times.",
    "transparent": "{n} of its pictures had transparent places: they were laid on white.",
    "cmyk": "{n} of its pictures were in CMYK: they were turned into RGB.",
    "deep": "{n} of its pictures had 16 bits a pixel: the upper 8 were kept.",
    "frames": "{n} of its pictures had several frames: the first was taken.",
}


class SizeOpen(Unfit):
    """The pictures do not tell one shape for all of them, but their owner can; `likely` is what most of them have."""

    def __init__(self, why: str, likely: Shape) -> None:
        super().__init__(f"{why} {TO_BE}")
        self.likely = likely


def read(archive: ZipFile, folder: Path, most_bytes: int, asked: Shape | None, step: Callable[[str, str], object]) -> Given:
    """Unfit in one sentence, with the picture and both numbers. `asked`: the shape that its owner wants."""
    found = tree.read(archive)
    step("sizes", f"{len(found.pictures):,} pictures")
    shape = _shape(archive, found.pictures, asked)
    needed = int(np.prod(shape, dtype=object)) * len(found.pictures)
    if needed > most_bytes:
        raise SizeOpen(f"{len(found.pictures):,} images of {told(shape)} have {needed:,} bytes; at most {most_bytes:,} are kept.",
                       shape)
    step("pictures", told(shape))
    return _decoded(archive, folder, found, shape)


def _body(archive: ZipFile, entry: ZipInfo) -> bytes:
    if entry.file_size > MOST_FILE_BYTES:
        raise Unfit(f"The picture {shown(entry.filename)} has {entry.file_size:,} bytes; at most {MOST_FILE_BYTES:,} are read.")
    return b"".join(zips.pieces(archive, entry))


def _shape(archive: ZipFile, all_: list[Picture], asked: Shape | None) -> Shape:
    """The shape of every image: as asked for, or the one size that all of them have."""
    if asked is not None and asked[0] not in (1, 3):
        raise SizeOpen(f"Images have 1 channel (grey) or 3 (RGB); {asked[0]} were asked for.", (3, *asked[1:]))
    sizes = _Sizes()
    for picture in all_:
        sizes.count(pictures.look(_body(archive, picture.entry), picture.entry.filename), picture)
    likely = (1 if sizes.are_grey else 3, *sizes.usual)
    if asked is None and len(sizes.times) > 1:
        raise SizeOpen(sizes.differing(), likely)
    shape = asked or likely
    if max(shape[1:]) > given.LARGEST_SIDE or shape[1] * shape[2] > given.MOST_PIXELS:
        most = f"{given.LARGEST_SIDE:,} a side and {given.MOST_PIXELS:,} in all"
        raise SizeOpen(f"Images would have {told(shape[1:])} pixels; at most {most} are taken.", likely)
    return shape


class _Sizes:
    """Which sizes there are, how often, and a picture of each."""

    def __init__(self) -> None:
        self.times: Counter[tuple[int, int]] = Counter()
        self.example: dict[tuple[int, int], str] = {}
        self.are_grey = True

    def count(self, seen: Seen, picture: Picture) -> None:
        size = seen.height, seen.width
        self.times[size] += 1
        self.example.setdefault(size, picture.entry.filename)
        self.are_grey &= seen.is_grey

    @property
    def usual(self) -> tuple[int, int]:
        return max(self.times, key=lambda size: (self.times[size], size))

    def differing(self) -> str:
        other = min(set(self.times) - {self.usual})
        return (f"The pictures have {len(self.times):,} sizes: {self.times[self.usual]:,} of {self.times.total():,} have "
                f"{told(self.usual)}, and {shown(self.example[other])} has {told(other)} (height x width).")


def _decoded(archive: ZipFile, folder: Path, found: Tree, shape: Shape) -> Given:
    numbers = {label: number for number, label in enumerate(found.classes)}
    done: Counter[str] = Counter()
    parts = {part: _part(archive, folder / f"{part or 'all'}.raw", some, numbers, shape, done)
             for part, some in _by_part(found.pictures, numbers)}
    notes = [*found.notes, *_notes(done, shape)]
    if "validation" in parts and "test" not in parts:
        parts["test"] = parts.pop("validation")
        notes.append(VAL_IS_TEST)
    enough_to_split(parts)
    return Given(parts, shape, len(numbers), found.names, "grey" if shape[0] == 1 else "RGB", notes=notes)


def _by_part(all_: list[Picture], numbers: dict[str, int]) -> Iterator[tuple[str, list[Picture]]]:
    """Every part in the order of classes and names, however the archive was packed."""
    for part in sorted({picture.part for picture in all_}):
        some = [picture for picture in all_ if picture.part == part]
        yield part, sorted(some, key=lambda picture: (numbers[picture.label], picture.entry.filename))


def _part(
    archive: ZipFile, target: Path, some: list[Picture], numbers: dict[str, int], shape: Shape, done: Counter[str],
) -> tuple[Array, Array]:
    with target.open("wb") as out:
        for picture in some:
            body = _body(archive, picture.entry)
            out.write(pictures.pixels(body, picture.entry.filename, shape, done).tobytes())
    images = np.memmap(target, dtype=np.uint8, mode="r", shape=(len(some), *shape))
    return images, np.array([numbers[picture.label] for picture in some], dtype=np.int64)


def _notes(done: Counter[str], shape: Shape) -> Iterator[str]:
    for word, text in DONE.items():
        if done[word]:
            yield text.format(n=f"{done[word]:,}", size=told(shape[1:]))
