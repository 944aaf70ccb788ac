"""Where images go in and answers come out: one input, one output, and how large the images are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, ValueInfoProto

from worker.dnn.ingest.onnx.opening import Opened
from worker.dnn.ingest.onnx.values import Array
from worker.dnn.shapes import Shape
from worker.firstlook import Unfit, printable

MOST_SIDE = 1 << 16
CHANNELS_FIRST = [0, 3, 1, 2]
MOST_BEFORE = 8
BEFORE = frozenset(("Add", "Sub", "Mul", "Div", "Identity", "Cast"))
_TYPES = {TensorProto.FLOAT: "float32", TensorProto.DOUBLE: "float64"}


class SizeUnknown(Unfit):
    """The file leaves open how large its images are; `channels` when it tells at least those."""

    def __init__(self, why: str, channels: int | None) -> None:
        super().__init__(why)
        self.channels = channels


@dataclass(frozen=True)
class Gate:
    """`batch` is None when the file takes any. `turned`: what the file has with channels last before it turns them itself."""

    name: str
    in_shape: Shape
    batch: int | None
    dtype: str = "float32"
    turned: frozenset[str] = frozenset()
    notes: list[str] = field(default_factory=list)

    @property
    def samples(self) -> int:
        return 2 if self.batch is None else self.batch

    def for_file(self, images: Array) -> Array:
        """Images as the file takes them."""
        turned = images.transpose(0, 2, 3, 1) if self.turned else images
        return np.ascontiguousarray(turned, dtype=self.dtype)

    def for_one_image(self) -> Gate:
        note = "The file says that it takes any batch, but it was written for one image at a time; the network takes any batch."
        return replace(self, batch=1, notes=[*self.notes, note])


def gate(file: Opened, in_shape: Shape | None) -> Gate:
    """Unfit, naming them, for several inputs or outputs."""
    given = _only_input(file)
    if len(file.graph.output) != 1:
        raise Unfit(_several("outputs", [output.name for output in file.graph.output]))
    dtype = given.type.tensor_type.elem_type
    if dtype not in _TYPES:
        raise Unfit(f"The input {printable(given.name)} does not take float32 numbers; send the network in float32.")
    turned, sides = _turned(file.graph, given.name), _sides(given, in_shape)
    batch, shape = sides[0], _images(given, _first(sides[1:], bool(turned)), in_shape)
    return Gate(given.name, shape, batch, _TYPES[dtype], turned, _notes(batch, bool(turned)))


def _notes(batch: int | None, turned: bool) -> list[str]:
    notes = []
    if batch is not None:
        told = "one image" if batch == 1 else f"{batch:,} images"
        notes.append(f"The file takes exactly {told} at a time; the network that was read takes any batch.")
    if turned:
        notes.append("The file takes images with their channels last; the network that was read takes them first.")
    return notes


def _only_input(file: Opened) -> ValueInfoProto:
    found = [entry for entry in file.graph.input if entry.name not in file.constants]
    if len(found) != 1:
        raise Unfit(_several("inputs", [entry.name for entry in found]))
    return found[0]


def _several(things: str, names: list[str]) -> str:
    told = ", ".join(printable(name) for name in names[:6]) + (", ..." if len(names) > 6 else "")
    return f"The ONNX file has {len(names)} {things} ({told}); networks with one are taken." if names else (
        f"The ONNX file has no {things}; networks with one are taken.")


def _sides(given: ValueInfoProto, in_shape: Shape | None) -> list[int | None]:
    """The input's axes as the file tells them, the batch first; None for what it leaves open."""
    kind = given.type.tensor_type
    if not kind.HasField("shape"):
        return [None] * (1 + len(in_shape)) if in_shape else [None] * 4
    sides = [side.dim_value if side.HasField("dim_value") and side.dim_value > 0 else None for side in kind.shape.dim]
    if not 2 <= len(sides) <= 4:
        raise Unfit(f"The input {printable(given.name)} has {len(sides)} axes; a batch of rows, signals or images has 2 to 4.")
    if any(side is not None and side > MOST_SIDE for side in sides):
        raise Unfit(f"The input {printable(given.name)} is larger than {MOST_SIDE:,} along an axis.")
    return sides


def _first(sides: Sequence[int | None], turned: bool) -> list[int | None]:
    return [sides[2], sides[0], sides[1]] if turned and len(sides) == 3 else list(sides)


def _images(given: ValueInfoProto, sides: list[int | None], in_shape: Shape | None) -> Shape:
    told = "x".join("?" if side is None else str(side) for side in sides)
    if in_shape is not None:
        if len(in_shape) != len(sides) or any(side not in (None, said) for side, said in zip(sides, in_shape, strict=True)):
            raise SizeUnknown(f"The file takes images of {told}; {'x'.join(map(str, in_shape))} was asked for.", sides[0])
        return tuple(in_shape)
    if None in sides:
        raise SizeUnknown(f"The ONNX file takes images of {told}: say channels, height and width, for instance 3x224x224.",
                          sides[0])
    return tuple(side for side in sides if side is not None)


def _turned(graph: GraphProto, name: str) -> frozenset[str]:
    """The results up to where the file puts channels first: the input, and what is scaled or moved by fixed numbers before."""
    outputs, found = {output.name for output in graph.output}, [name]
    for _ in range(MOST_BEFORE):
        readers = [node for node in graph.node if found[-1] in node.input]
        if not readers or found[-1] in outputs:
            return frozenset()
        if all(_puts_channels_first(node) and not outputs.intersection(node.output) for node in readers):
            return frozenset(found)
        only = readers[0]
        if len(readers) > 1 or only.op_type not in BEFORE or list(only.input).count(found[-1]) > 1 or not only.output:
            return frozenset()
        found.append(only.output[0])
    return frozenset()


def _puts_channels_first(node: NodeProto) -> bool:
    perms = [list(entry.ints) for entry in node.attribute if entry.name == "perm"]
    return node.op_type == "Transpose" and perms == [CHANNELS_FIRST]
