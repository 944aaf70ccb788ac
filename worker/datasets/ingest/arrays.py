"""An .npz of other people's making as a data set of the house: unpacked to disk piece by piece, checked row by row."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zipfile import ZipFile, ZipInfo

import numpy as np

from worker.archives import zips
from worker.datasets.ingest.given import (
    LARGEST_SIDE,
    MOST_CLASSES,
    MOST_PIXELS,
    PART_WORDS,
    Array,
    Given,
    empty_classes,
    enough_to_split,
    of,
    told,
)
from worker.firstlook import Unfit, printable

ORDERS = ("grey", "RGB", "BGR", "RGBA")
USUAL_ORDER = {1: "grey", 3: "RGB", 4: "RGBA"}
ALIASES = {"x": "images", "y": "labels", "X": "images", "data": "images", "targets": "labels", "target": "labels"}
EXTRAS = ("mean", "std", "channel_order", "label_names")
WANTED = "It needs images and labels, or train_images and train_labels, test_images and test_labels."


def read(archive: ZipFile, folder: Path) -> Given:
    """The arrays of an .npz, memory-mapped from `folder`; Unfit in one sentence, with the row and both numbers."""
    arrays = {_called(entry): _unpacked(archive, entry, folder / f"{number}.raw")
              for number, entry in enumerate(archive.infolist())}
    notes: list[str] = []
    pairs = _pairs(arrays, notes)
    names = _label_names(arrays.get("label_names"))
    parts = {part: (_images(images, part), _labels(labels, part)) for part, (images, labels) in pairs.items()}
    parts, in_shape = _channels_first(parts, notes)
    for part, (images, labels) in parts.items():
        _same_length(images, labels, part)
    enough_to_split(parts)
    classes = _classes([labels for _, labels in parts.values()], names)
    notes += empty_classes([labels for _, labels in parts.values()], classes)
    mean, std = (_statistic(arrays.get(word), word, in_shape[0]) for word in ("mean", "std"))
    order = _order(arrays.get("channel_order"), in_shape[0])
    return Given(parts, in_shape, classes, names or tuple(map(str, range(classes))), order, mean, std, notes)


def _called(entry: ZipInfo) -> str:
    if not entry.filename.endswith(".npy"):
        raise Unfit(f"The archive holds {printable(entry.filename)!r}, which is no NumPy array.")
    return entry.filename.removesuffix(".npy")


def _unpacked(archive: ZipFile, entry: ZipInfo, target: Path) -> Array:
    """One array as a memory map of its unpacked bytes, which must be as many as its header says."""
    name = printable(entry.filename.removesuffix(".npy"))
    try:
        with archive.open(entry) as packed, target.open("wb") as out:
            shape, fortran, dtype = _header(packed, name)
            needed = int(np.prod(shape, dtype=object)) * dtype.itemsize
            if needed > entry.file_size:
                raise Unfit(f"The array {name!r} should have {needed:,} bytes; the file holds {entry.file_size:,}.")
            for chunk in iter(lambda: packed.read(zips.CHUNK), b""):
                out.write(chunk)
            there = out.tell()
    except zips.BROKEN as error:
        raise Unfit(f"The array {name!r} cannot be unpacked: the file is damaged.") from error
    if there != needed:
        raise Unfit(f"The array {name!r} should have {needed:,} bytes; the file holds {there:,}.")
    if needed == 0:
        return np.zeros(shape, dtype)
    return np.memmap(target, dtype=dtype, mode="r", shape=shape, order="F" if fortran else "C")


def _header(packed: Any, name: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    try:
        version = np.lib.format.read_magic(packed)
        shape, fortran, dtype = read[version](packed, max_header_size=10_000)
    except (ValueError, KeyError, RecursionError, MemoryError, TypeError) as error:
        raise Unfit(f"The array {name!r} has no header that NumPy knows.") from error
    if dtype.hasobject:
        raise Unfit(f"The array {name!r} holds Python objects; object arrays are not accepted: save numbers, or text as 'U'.")
    if dtype.names or dtype.subdtype or dtype.kind not in "biufUSc" or (not dtype.isnative and dtype.itemsize > 1):
        raise Unfit(f"The array {name!r} is of type {dtype.str}; numbers in this computer's byte order are taken.")
    if len(shape) > 4 or any(side < 0 for side in shape):
        raise Unfit(f"The array {name!r} has the shape {told(shape)}; at most 4 sides, none below 0, are taken.")
    return shape, fortran, dtype


def _pairs(arrays: dict[str, Array], notes: list[str]) -> dict[str, tuple[Array, Array]]:
    """Images and labels by part; the whole under "" when the file does not split them."""
    found: dict[str, dict[str, Array]] = {}
    ignored = []
    for name, array in arrays.items():
        part, role = _role(name)
        if role in ("images", "labels"):
            found.setdefault(part, {})[role] = array
        elif name not in EXTRAS:
            ignored.append(printable(name))
    if ignored:
        notes.append(f"Not used: {', '.join(ignored[:10])}.")
    for part, roles in found.items():
        if len(roles) == 1:
            there, missing = ("images", "labels") if "images" in roles else ("labels", "images")
            raise Unfit(f"The file has {there} {of(part)}but no {missing}. {WANTED}")
    if not found or ("" not in found and "train" not in found):
        raise Unfit(f"The file holds {', '.join(map(printable, list(arrays)[:8])) or 'nothing'}. {WANTED}")
    if "" in found and len(found) > 1:
        raise Unfit("The file has both images and train_images; which are meant is not clear.")
    return {part: (roles["images"], roles["labels"]) for part, roles in found.items()}


def _role(name: str) -> tuple[str, str]:
    """`train_images`, `x_test`, `images`: the part and what it is."""
    first, _, second = name.partition("_")
    if first in PART_WORDS and second:
        return PART_WORDS[first], ALIASES.get(second, second)
    if second in PART_WORDS:
        return PART_WORDS[second], ALIASES.get(first, first)
    return "", ALIASES.get(name, name)


def _classes(labels: list[Array], names: tuple[str, ...]) -> int:
    highest = max(int(each.max()) for each in labels)
    for each in labels:
        row = int(each.argmin())
        if each[row] < 0:
            raise Unfit(f"The label in row {row:,} is {int(each[row])}; labels begin at 0.")
    classes = len(names) or highest + 1
    if classes > MOST_CLASSES:
        raise Unfit(f"The labels go up to {highest:,}; at most {MOST_CLASSES:,} classes are taken.")
    for each in labels:
        row = int(each.argmax())
        if each[row] >= classes:
            raise Unfit(f"The label in row {row:,} is {int(each[row])}; there are {classes} label names.")
    if classes < 2:
        raise Unfit("All labels are 0: there is 1 class; at least 2 are needed.")
    return classes


def _label_names(array: Array | None) -> tuple[str, ...]:
    if array is None:
        return ()
    if array.ndim != 1 or array.dtype.kind not in "US" or not len(array) or len(array) > MOST_CLASSES:
        raise Unfit(f"label_names is expected as a row of texts; got {array.dtype} of the shape {told(array.shape)}.")
    texts = [each.decode("utf-8", "replace") if isinstance(each, bytes) else str(each) for each in array]
    for row, text in enumerate(texts):
        if not text.isprintable() or not 1 <= len(text) <= 100:
            raise Unfit(f"The label name in row {row:,} is empty, too long or no plain text.")
    return tuple(texts)


def _images(images: Array, part: str) -> Array:
    if images.dtype not in (np.dtype(np.uint8), np.dtype(np.float32), np.dtype(np.float64)):
        raise Unfit(f"Images {of(part)}are expected as uint8, or as float32 from 0 to 1; got {images.dtype}.")
    if images.ndim not in (3, 4):
        wanted = "(n, height, width), with channels before or behind"
        raise Unfit(f"Images {of(part)}are expected as {wanted}; got {told(images.shape)}.")
    return images


def _labels(labels: Array, part: str) -> Array:
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.dtype.kind not in "iu":
        raise Unfit(f"Labels {of(part)}are expected as whole numbers from 0; got {labels.dtype}.")
    if labels.ndim != 1:
        raise Unfit(f"Labels {of(part)}are expected as one number an image; got the shape {told(labels.shape)}.")
    return labels


def _same_length(images: Array, labels: Array, part: str) -> None:
    if len(images) != len(labels):
        raise Unfit(f"There are {len(images):,} images {of(part)}and {len(labels):,} labels.")
    if len(images) < 1:
        raise Unfit(f"There are no images {of(part)}in the file.")


def _channels_first(
    parts: dict[str, tuple[Array, Array]], notes: list[str],
) -> tuple[dict[str, tuple[Array, Array]], tuple[int, ...]]:
    first = next(iter(parts.values()))[0].shape[1:]
    for part, (images, _) in parts.items():
        if images.shape[1:] != first:
            raise Unfit(f"Images {of(part)}have the shape {told(images.shape[1:])}, others {told(first)}.")
    axes = _axes(first, notes)
    moved = {part: (_moved(images, axes), labels) for part, (images, labels) in parts.items()}
    shape = next(iter(moved.values()))[0].shape[1:]
    if max(shape[1:]) > LARGEST_SIDE or min(shape) < 1 or shape[1] * shape[2] > MOST_PIXELS:
        most = f"{LARGEST_SIDE:,} a side and {MOST_PIXELS:,} in all"
        raise Unfit(f"Images have {told(shape[1:])} pixels; at most {most} are taken.")
    return moved, shape


def _axes(shape: tuple[int, ...], notes: list[str]) -> str:
    """Where the channels are: nowhere, behind, or in front."""
    if len(shape) == 2:
        return "none"
    behind, before = shape[-1] in USUAL_ORDER, shape[0] in USUAL_ORDER
    if not behind and not before:
        raise Unfit(f"One image has the shape {told(shape)}; 1, 3 or 4 channels are expected in front or behind.")
    if behind and before:
        notes.append(f"One image has the shape {told(shape)}: its last side was taken for the channels.")
    return "behind" if behind else "before"


def _moved(images: Array, axes: str) -> Array:
    if axes == "none":
        return images[:, None]
    return images.transpose(0, 3, 1, 2) if axes == "behind" else images


def _order(array: Array | None, channels: int) -> str:
    if array is None:
        return USUAL_ORDER[channels]
    text = str(array.reshape(-1)[0]) if array.size == 1 and array.dtype.kind in "US" else ""
    if text not in ORDERS:
        raise Unfit(f"channel_order is expected as one of {', '.join(ORDERS)}; got {printable(text or str(array.dtype))!r}.")
    return text


def _statistic(array: Array | None, word: str, channels: int) -> tuple[float, ...]:
    """Mean or standard deviation of pixels scaled to 0..1, one number a channel."""
    if array is None:
        return ()
    if array.dtype.kind not in "fiu" or array.size != channels:
        raise Unfit(f"{word} is expected as {channels} number{'s' if channels > 1 else ''}; got {array.dtype} of the shape "
                    f"{told(array.shape)}.")
    numbers = tuple(float(number) for number in array.reshape(-1))
    low = 0.0 if word == "mean" else 1e-6
    for number in numbers:
        if not low <= number <= 1.0:
            raise Unfit(f"{word} is of pixels scaled to 0..1 and lies between 0 and 1; got {number:g}.")
    return numbers
