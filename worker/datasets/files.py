"""A data set in one safetensors file: the parts as tensors, the description as JSON; read memory-mapped."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as save_arrays
from torch import Tensor

from worker.context import write_durably
from worker.datasets.data import PARTS, Data, Part, PartName

MOST_HEADER_BYTES = 1_000_000
KEY = "edgeportal.dataset"
_FIELDS = ("name", "in_shape", "classes", "labels", "mean", "std", "channel_order")


def save(data: Data, path: Path) -> str:
    """Write the data set durably and return the file's sha256; the same data give the same bytes."""
    # Parts may be views of one tensor; NumPy's writer does not mind.
    arrays = {f"{name}.{field}": getattr(part, field).contiguous().numpy()
              for name, part in data.parts.items() for field in ("images", "labels")}
    about = {field: getattr(data, field) for field in _FIELDS}
    body = save_arrays(arrays, {KEY: json.dumps(about, sort_keys=True)})
    write_durably(Path(path), body)
    return hashlib.sha256(body).hexdigest()


def read(path: Path, needed: Sequence[PartName] = PARTS) -> Data:
    """Read a data set, memory-mapped; ValueError in one sentence when the file is anything else, or lacks a part that is
    needed. Parts that are not stay unread."""
    _check_header(Path(path))
    try:
        with safe_open(str(path), framework="pt") as file:
            about = _about((file.metadata() or {}).get(KEY))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ValueError(f"The file {Path(path).name} is not a whole safetensors file.") from error
    parts = {name: _part(tensors, name, about) for name in needed}
    return Data(**about, parts=parts)


def _check_header(path: Path) -> None:
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
    except OSError as error:
        raise ValueError(f"The file {path.name} cannot be read.") from error
    if length > MOST_HEADER_BYTES:
        raise ValueError(f"The file {path.name} is not a data set: its header has {length} bytes.")


def _about(text: str | None) -> dict[str, Any]:
    """The description, every field checked."""
    try:
        about = json.loads(text or "null")
    except (ValueError, RecursionError):
        about = None
    if not isinstance(about, dict) or set(about) != set(_FIELDS):
        raise ValueError("The file holds tensors but no description of a data set.")
    about = {key: tuple(value) if isinstance(value, list) else value for key, value in about.items()}
    if not _is_sound(about):
        raise ValueError("The description of the data set does not fit together.")
    return about


def _is_sound(about: dict[str, Any]) -> bool:
    shape, classes, labels = about["in_shape"], about["classes"], about["labels"]
    words = all(isinstance(about[field], str) and len(about[field]) <= 200 for field in ("name", "channel_order"))
    sizes = isinstance(shape, tuple) and len(shape) == 3 and all(type(n) is int and 0 < n <= 1 << 16 for n in shape)
    named = type(classes) is int and classes > 0 and isinstance(labels, tuple) and len(labels) == classes
    return words and sizes and named and all(isinstance(label, str) for label in labels) and _statistics(about)


def _statistics(about: dict[str, Any]) -> bool:
    mean, std = about["mean"], about["std"]
    if not isinstance(mean, tuple) or not isinstance(std, tuple) or not len(mean) == len(std) == about["in_shape"][0]:
        return False
    numbers = all(isinstance(number, float) and math.isfinite(number) for number in mean + std)
    return numbers and all(number > 0 for number in std)


def _part(tensors: dict[str, Tensor], name: str, about: dict[str, Any]) -> Part:
    images, labels = tensors.get(f"{name}.images"), tensors.get(f"{name}.labels")
    if images is None or labels is None or len(labels) == 0:
        raise ValueError(f"The data set has no {name} part.")
    if images.dtype is not torch.uint8 or tuple(images.shape) != (len(labels), *about["in_shape"]):
        raise ValueError(f"The {name} images are not uint8 of the shape that the data set says.")
    if labels.dtype is not torch.int64 or labels.ndim != 1:
        raise ValueError(f"The {name} labels are not a row of int64 numbers.")
    if int(labels.min()) < 0 or int(labels.max()) >= about["classes"]:
        raise ValueError(f"The {name} labels are not all between 0 and {about['classes'] - 1}.")
    return Part(images, labels)
