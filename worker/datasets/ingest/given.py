"""What came in, whatever file it was: images and labels by part, lying on disk, and what holds for all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from worker.firstlook import WARNING, Unfit

# As many images at once as have about this many bytes.
ROWS_BYTES = 4_000_000
LARGEST_SIDE, MOST_PIXELS, MOST_CLASSES = 8192, 16_000_000, 65_536
PART_WORDS = {"train": "train", "val": "validation", "valid": "validation", "validation": "validation", "test": "test"}
FEWEST = 10
MOST_LISTED = 12
Array = np.ndarray[Any, Any]


@dataclass
class Given:
    """Images (n, channels, height, width) as uint8 or as floats, and labels, by part ("" when unsplit)."""

    parts: dict[str, tuple[Array, Array]]
    in_shape: tuple[int, ...]
    classes: int
    label_names: tuple[str, ...]
    channel_order: str
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    notes: list[str] = field(default_factory=list)


def of(part: str) -> str:
    return f"of {part} " if part else ""


def told(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape)) or "()"


def empty_classes(labels: list[Array], classes: int) -> Iterator[str]:
    """What nobody meant: numbers below the highest label that no image has."""
    there = set(np.unique(np.concatenate([np.unique(each) for each in labels])).tolist())
    empty = [number for number in range(classes) if number not in there]
    if not empty:
        return
    listed = ", ".join(map(str, empty[:MOST_LISTED])) + (" …" if len(empty) > MOST_LISTED else "")
    meant = f" If {len(there)} classes are meant, number them from 0 to {len(there) - 1}." if there else ""
    yield (f"{WARNING} It has {classes:,} classes, of which {len(empty):,} have no image: {listed}. "
           f"A model needs {classes:,} outputs for it.{meant}")


def enough_to_split(parts: dict[str, tuple[Array, Array]]) -> None:
    """What is missing of the three parts is dealt out of the whole, or of train."""
    source = "" if "" in parts else "train"
    count = len(parts[source][1])
    if len(parts) < 3 and count < FEWEST:
        raise Unfit(f"The number of images {of(source)}in the file is {count:,}; at least {FEWEST} are needed to split them.")


def rows(images: Array, index: Array | None = None) -> Iterator[Array]:
    """The images as uint8, some at a time; of float images every number is checked. Unfit names the row."""
    count = len(images) if index is None else len(index)
    step = max(1, ROWS_BYTES // max(1, images[0].nbytes)) if count else 1
    for begin in range(0, count, step):
        chosen = slice(begin, begin + step) if index is None else index[begin:begin + step]
        some = np.ascontiguousarray(images[chosen])
        yield some if some.dtype == np.uint8 else _scaled(some, chosen)


def _scaled(some: Array, chosen: Any) -> Array:
    wrong = ~((some >= 0) & (some <= 1))
    if wrong.any():
        at = int(np.flatnonzero(wrong.reshape(len(some), -1).any(1))[0])
        row = chosen.start + at if isinstance(chosen, slice) else int(chosen[at])
        value = float(some[at][wrong[at]][0])
        hint = "; save 0 to 255 as uint8" if 1 < value <= 255 else ""
        raise Unfit(f"Floating-point images are expected between 0 and 1; row {row:,} holds {value:g}{hint}.")
    scaled: Array = np.rint(some * 255).astype(np.uint8)
    return scaled
