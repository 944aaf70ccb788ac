"""A data set file of the house written piece by piece: split, measured and kept without ever holding it in memory."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from worker.datasets.files import KEY
from worker.datasets.ingest.given import Array, Given, rows

SPLIT_SEED = 1998
SHARES = {"train": 0.7, "validation": 0.1, "test": 0.2}
Part = tuple[Array, Array, Array]
Step = Callable[[str], object]


@dataclass(frozen=True)
class Written:
    """The file's hash and what a catalogue says of it."""

    sha256: str
    in_shape: tuple[int, ...]
    classes: int
    labels: tuple[str, ...]
    counts: dict[str, int]
    notes: list[str]


def write(given: Given, name: str, path: Path, step: Step = lambda _: None) -> Written:
    """Split, measure, write; the same arrays give the same file."""
    notes = list(given.notes)
    parts = _split(given, notes)
    if any(images.dtype != np.uint8 for images, _, _ in parts.values()):
        notes.append("Its images were numbers from 0 to 1; they are kept as 0 to 255.")
    step("measuring")
    mean, std = _statistics(given, parts["train"], notes)
    about = {"name": name, "in_shape": given.in_shape, "classes": given.classes, "labels": given.label_names, "mean": mean,
             "std": std, "channel_order": given.channel_order}
    step("storing")
    sha256 = _written(path, about, parts)
    counts = {part: len(index) for part, (_, _, index) in parts.items()}
    return Written(sha256, given.in_shape, given.classes, given.label_names, counts, notes)


def _split(given: Given, notes: list[str]) -> dict[str, Part]:
    """Train, validation and test, each as (images, labels, rows of them); what is missing is dealt out of what is there."""
    if "" in given.parts:
        images, labels = given.parts[""]
        dealt = deal(labels, tuple(SHARES.values()))
        notes.append("It was split into train, validation and test, 70, 10 and 20 % of each class, always the same way.")
        return {part: (images, labels, index) for part, index in zip(SHARES, dealt, strict=True)}
    found = {part: (images, labels, np.arange(len(labels))) for part, (images, labels) in given.parts.items()}
    for part in ("test", "validation"):
        if part not in found:
            images, labels, index = found["train"]
            rest, taken = deal(labels[index], (1 - SHARES[part], SHARES[part]))
            found["train"], found[part] = (images, labels, index[rest]), (images, labels, index[taken])
            notes.append(f"It had no {part} part: {SHARES[part]:.0%} of each class of train became one, always the same way.")
    return {part: found[part] for part in SHARES}


def deal(labels: Array, shares: tuple[float, ...]) -> list[Array]:
    """Sorted rows of each share: every class in its proportion, the same for the same labels; no share is empty."""
    generator = np.random.default_rng(SPLIT_SEED)
    place = np.empty(len(labels))
    order = np.argsort(labels, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1):
        place[generator.permutation(group)] = (np.arange(len(group)) + 0.5) / len(group)
    dealt = np.argsort(place, kind="stable")
    sizes = [max(1, round(share * len(labels))) for share in shares[1:]]
    cuts = np.cumsum([len(labels) - sum(sizes), *sizes])[:-1]
    return [np.sort(group) for group in np.split(dealt, cuts)]


def _statistics(given: Given, train: Part, notes: list[str]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Per channel, of train pixels scaled to 0..1; a constant channel gets 1."""
    if given.mean and given.std:
        return given.mean, given.std
    images, _, index = train
    values, times = np.arange(256) / 255.0, np.zeros((given.in_shape[0], 256), np.int64)
    for some in rows(images, index):  # Counted in whole numbers: nothing is rounded, however many there are.
        times += [np.bincount(some[:, channel].reshape(-1), minlength=256) for channel in range(len(times))]
    share = times / times.sum(1, keepdims=True)
    mean = share @ values
    std = np.sqrt(np.maximum((share * (values - mean[:, None]) ** 2).sum(1), 0))
    std[std < 1e-6] = 1.0
    notes.append("Its mean and standard deviation were measured on train.")
    return tuple(mean.tolist()), tuple(std.tolist())


def _written(path: Path, about: dict[str, Any], parts: dict[str, Part]) -> str:
    digest = hashlib.sha256()
    with path.open("wb") as out:
        for piece in _pieces(about, parts):
            digest.update(piece)
            out.write(piece)
        out.flush()
        os.fsync(out.fileno())
    return digest.hexdigest()


def _pieces(about: dict[str, Any], parts: dict[str, Part]) -> Iterator[bytes]:
    """The safetensors file from its first byte to its last: labels first, so that they lie at multiples of 8."""
    header: dict[str, Any] = {"__metadata__": {KEY: json.dumps(about, sort_keys=True)}}
    end = 0
    for name, dtype, shape, size in _layout(about["in_shape"], parts):
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + size]}
        end += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text = text.ljust(-(-len(text) // 8) * 8)
    yield len(text).to_bytes(8, "little") + text
    for _, labels, index in parts.values():
        yield np.ascontiguousarray(labels[index], dtype="<i8").tobytes()
    for images, _, index in parts.values():
        for some in rows(images, index):
            yield some.tobytes()


def _layout(in_shape: tuple[int, ...], parts: dict[str, Part]) -> Iterator[tuple[str, str, list[int], int]]:
    for part, (_, _, index) in parts.items():
        yield f"{part}.labels", "I64", [len(index)], 8 * len(index)
    for part, (_, _, index) in parts.items():
        shape = [len(index), *in_shape]
        yield f"{part}.images", "U8", shape, int(np.prod(shape, dtype=np.int64))
