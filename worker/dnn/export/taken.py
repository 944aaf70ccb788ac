"""Files that somebody takes along: each is checked against ONNX Runtime before it is offered, and told with its SHA-256."""

from __future__ import annotations

import hashlib
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import fx

from worker.dnn import cost, files
from worker.dnn.export import Parity, to_onnx
from worker.dnn.export.parity import compared, compared_in_turn, refuse_strangers
from worker.dnn.export.writer import to_model
from worker.dnn.fold import fold_batchnorm
from worker.dnn.shapes import Shape, output_shape
from worker.dnn.slices import Slice, split

HEAD, TAIL = "head.onnx", "tail.onnx"


@dataclass(frozen=True)
class Taken:
    """A file that was written, and what stands in it. `parity` is None where ONNX has no words for the network."""

    file: str
    sha256: str
    size_bytes: int
    in_shape: Shape
    out_shape: Shape
    params: int
    macs: int
    activation_bytes: int
    parity: Parity | None

    def told(self) -> dict[str, Any]:
        return asdict(self)


def as_onnx(network: fx.GraphModule, in_shape: Shape, path: Path, *, fold: bool = False) -> Taken:
    """One ONNX file; ValueError in a sentence when it cannot be written or answers differently."""
    parity = to_onnx(network, in_shape, path, fold=fold)
    return _taken(path, fold_batchnorm(network, in_shape) if fold else network, in_shape, parity)


def as_safetensors(loaded: files.Loaded, path: Path) -> Taken:
    """The house's own file, read again: what stands in it is what ONNX Runtime is asked to answer."""
    files.save(loaded.network, path, in_shape=loaded.in_shape, classes=loaded.classes, name=loaded.name, trained=loaded.trained)
    again = files.load(path)
    try:
        body = to_model(again.network, again.in_shape).SerializeToString(deterministic=True)
    except ValueError:
        return _taken(path, loaded.network, loaded.in_shape, None)
    parity = compared(loaded.network, loaded.in_shape, body)
    refuse_strangers(parity, loaded.network)
    return _taken(path, loaded.network, loaded.in_shape, parity)


@dataclass(frozen=True)
class TakenSlices:
    """Both halves of a network; `parity` is how far ONNX Runtime's answer through one and the other is from the whole's."""

    after: str
    crossing_shape: Shape
    crossing_bytes: int
    head: Taken
    tail: Taken
    parity: Parity

    def told(self) -> dict[str, Any]:
        return asdict(self)


def as_slices(network: fx.GraphModule, in_shape: Shape, after: str, folder: Path) -> TakenSlices:
    """Head and tail of a cut as two ONNX files of the folder; ValueError in a sentence where there is no such cut."""
    halves = split(network, tuple(in_shape), after)
    head, tail = (_slice(half, folder / name) for half, name in zip(halves, (HEAD, TAIL), strict=True))
    parity = compared_in_turn(network, tuple(in_shape), [(folder / name).read_bytes() for name in (HEAD, TAIL)])
    refuse_strangers(parity, network)
    crossing = halves.tail.in_shape
    return TakenSlices(after, crossing, cost.FLOAT32_BYTES * math.prod(crossing), head, tail, parity)


def _slice(half: Slice, path: Path) -> Taken:
    return as_onnx(half.network, half.in_shape, path)


def _taken(path: Path, network: fx.GraphModule, in_shape: Shape, parity: Parity | None) -> Taken:
    total = cost.cost(network, in_shape)
    with path.open("rb") as source:
        sha256 = hashlib.file_digest(source, "sha256").hexdigest()
    return Taken(str(path), sha256, path.stat().st_size, tuple(in_shape), output_shape(network, in_shape), total.params,
                 total.macs, total.activation_bytes, parity)
