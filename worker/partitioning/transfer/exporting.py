"""Head with down and up with tail as ONNX files: between them goes what is sent, as int8 where it is int8."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor, fx, nn

from worker.context import write_durably
from worker.dnn import slices
from worker.dnn.export.parity import LARGEST_RELATIVE, difference
from worker.dnn.export.writer import to_model
from worker.dnn.form import trace
from worker.dnn.shapes import Shape
from worker.partitioning.transfer.carrying import as_bytes
from worker.partitioning.transfer.insertion import Placed
from worker.partitioning.transfer.rounding import settled
from worker.profiling import onnx as engine

# Where torch and ONNX Runtime round a number that lies between two steps, one may take the other one: so many of them at most.
MOST_APART = 0.01
IMAGES = 4
Array = NDArray[Any]


@dataclass(frozen=True)
class Files:
    """`apart`: the share of the sent int8 numbers that ONNX Runtime rounds to the neighbouring step; `max_relative`: how far the
    tail's answer is from torch's, given the same numbers."""

    head: Path
    tail: Path
    apart: float
    max_relative: float


def exported(placed: Placed, *, is_int8: bool, head: Path, tail: Path) -> Files:
    """Write both files and hold them against torch; ValueError in a sentence where they answer otherwise."""
    first, second = placed.split()
    _write(first, head, sends=is_int8)
    _write(second, tail, receives=is_int8)
    return _checked(first, second, head, tail, is_int8=is_int8)


def layer_files(
    down: Sequence[nn.Module], up: Sequence[nn.Module], shape: Shape, crossing: Shape, *, is_int8: bool, folder: Path,
) -> tuple[Path, Path]:
    """The two halves of a transfer layer alone, for the stopwatch."""
    files = folder / "down.onnx", folder / "up.onnx"
    _write(_alone(down, shape), files[0], sends=is_int8)
    _write(_alone(up, crossing), files[1], receives=is_int8)
    return files


def _alone(layers: Sequence[nn.Module], in_shape: Shape) -> slices.Slice:
    row = nn.Sequential(*copy.deepcopy(list(layers))).cpu().eval()
    settled(row)
    return slices.Slice(trace(row), in_shape)


def _write(part: slices.Slice, path: Path, *, sends: bool = False, receives: bool = False) -> None:
    model = to_model(part.network, part.in_shape)
    as_bytes(model, sends=sends, receives=receives)
    onnx.checker.check_model(model)
    write_durably(path, model.SerializeToString(deterministic=True))


def run(path: Path, given: Array, *, threads: int = 1) -> Array:
    session = engine.session(path, threads=threads)
    (answer,) = session.run(None, {session.get_inputs()[0].name: given})
    return np.asarray(answer)


def _checked(first: slices.Slice, second: slices.Slice, head: Path, tail: Path, *, is_int8: bool) -> Files:
    images = np.random.default_rng(0).standard_normal((IMAGES, *first.in_shape), dtype=np.float32)
    sent = _torch(first.network, torch.from_numpy(images)).numpy()
    got = run(head, images)
    apart = _rounded_apart(sent, got) if is_int8 else _near(sent, got, "head")
    answered = run(tail, sent.astype(np.int8) if is_int8 else sent)
    relative = _near(_torch(second.network, torch.from_numpy(sent)).numpy(), answered, "tail")
    return Files(head, tail, apart, relative)


@torch.no_grad()
def _torch(network: fx.GraphModule, given: Tensor) -> Tensor:
    answer: Tensor = network.eval()(given)
    return answer


def _near(ours: Array, theirs: Array, which: str) -> float:
    apart = difference(ours, theirs).max_relative
    if not apart <= LARGEST_RELATIVE:
        raise ValueError(f"ONNX Runtime's answers of the {which} differ from the network's by {apart:.1e} (relative).")
    return apart


def _rounded_apart(ours: Array, theirs: Array) -> float:
    """Both are whole; a number that lies between two steps may be rounded either way, and no other."""
    steps = np.abs(ours - theirs.astype(np.float32))
    share = float((steps > 0).mean())
    if theirs.dtype != np.int8 or steps.max(initial=0) > 1 or share > MOST_APART:
        raise ValueError(f"What ONNX Runtime sends differs from what the network sends: {100 * share:.2f} % of the numbers, "
                         f"by up to {steps.max(initial=0):.0f} steps.")
    return share
