"""Where the numbers of a network lie in its file, so that some can be changed and every other byte stays.

Of safetensors and ONNX files, read without a library beside NumPy: a board finds them too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from worker.firstlook.protobuf import LENGTH, VARINT, Ended, Field, Walk
from worker.firstlook.sentences import Unfit

Array = NDArray[Any]
# Names of types by what safetensors calls them, and by ONNX's numbers; bits are copied, so these say sizes alone.
ITEMS = {"F32": "<u4", "F64": "<u8", "F16": "<u2", "BF16": "<u2", "I64": "<u8"}
# Bits of the exponent: all of them are 1 in what is infinite or no number, and in nothing else.
EXPONENTS = {"F32": 0x7F80_0000, "F64": 0x7FF0_0000_0000_0000, "F16": 0x7C00, "BF16": 0x7F80}
ONNX_TYPES = {1: "F32", 7: "I64", 10: "F16", 11: "F64", 16: "BF16"}
MOST_FIELDS = 1_000_000
MOST_HEADER_BYTES = 10_000_000
MODEL_GRAPH, GRAPH_TENSOR = 7, 5
DIMS, DATA_TYPE, NAME, RAW = 1, 2, 8, 9
NEITHER = "This is neither a safetensors file nor an ONNX file."
DAMAGED = "The safetensors file is cut off or damaged."


class Place(NamedTuple):
    """A tensor's numbers: `size` of `type` from byte `begin` of the file on."""

    name: str
    type: str
    shape: tuple[int, ...]
    begin: int

    @property
    def size(self) -> int:
        return prod(self.shape)

    @property
    def is_weight(self) -> bool:
        """Whether single ones of its numbers are chosen: of convolutions and matrices. Everything else is sent whole."""
        return self.type == "F32" and len(self.shape) > 1 and self.name.endswith(".weight")

    def of(self, body: bytes | bytearray) -> Array:
        """Its bits as whole numbers, a view; one that can be written where `body` can."""
        return np.frombuffer(body, dtype=ITEMS[self.type], count=self.size, offset=self.begin)


def places(body: bytes | bytearray) -> list[Place]:
    """Every tensor in the order of the file. Unfit, with a sentence, for what is no such file or claims more than it has."""
    whole = bytes(body[:9])
    if len(whole) == 9 and whole[8:] == b"{":
        return sorted(_of_safetensors(body), key=lambda place: place.begin)
    if whole[:1] != b"\x08":
        raise Unfit(NEITHER)
    try:
        return list(_of_onnx(bytes(body)))
    except Ended:
        raise Unfit(NEITHER) from None


def put(body: bytes, state: Mapping[str, Array]) -> bytes:
    """The file with other numbers: those of `state` whose names it has, of the same size, every other byte as it was."""
    changed = bytearray(body)
    for place in places(body):
        if place.name in state:
            wanted = np.ascontiguousarray(state[place.name])
            if wanted.size != place.size or wanted.dtype.itemsize != np.dtype(ITEMS[place.type]).itemsize:
                raise Unfit(f"The tensor {place.name} has {wanted.size:,} numbers of {wanted.dtype}; "
                            f"the file holds {place.size:,} of {place.type}.")
            place.of(changed)[:] = wanted.reshape(-1).view(ITEMS[place.type])
    return bytes(changed)


def unfinite(body: bytes) -> str:
    """The first tensor of which a number is infinite or none; nothing where all are finite. Unfit as in `places`."""
    for place in places(body):
        mask = EXPONENTS.get(place.type)
        if mask and ((place.of(body) & place.of(body).dtype.type(mask)) == mask).any():
            return place.name
    return ""


# Safetensors: eight bytes with the header's length, the header as JSON, the numbers

def _of_safetensors(body: bytes | bytearray) -> Iterator[Place]:
    length = int.from_bytes(body[:8], "little")
    if length > min(len(body) - 8, MOST_HEADER_BYTES):
        raise Unfit(DAMAGED)
    try:
        header = json.loads(bytes(body[8 : 8 + length]))
        for name, entry in header.items():
            if name != "__metadata__":
                yield _entry(name, entry, 8 + length, len(body))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise error if isinstance(error, Unfit) else Unfit(DAMAGED) from None


def _entry(name: str, entry: dict[str, Any], numbers: int, size: int) -> Place:
    begin, end = entry["data_offsets"]
    place = Place(name, entry["dtype"], tuple(map(int, entry["shape"])), numbers + int(begin))
    fits = place.type in ITEMS and all(side >= 0 for side in place.shape) and 0 <= begin <= end <= size - numbers
    if not fits or place.size * np.dtype(ITEMS[place.type]).itemsize != end - begin:
        raise Unfit(DAMAGED)
    return place


# ONNX: the initialisers of the model's graph whose numbers lie there as bytes

def _of_onnx(body: bytes) -> Iterator[Place]:
    walk = Walk(body, len(body), MOST_FIELDS)
    for model in walk.fields(0, len(body)):
        if model.number == MODEL_GRAPH and model.wire == LENGTH:
            for graph in walk.fields(model.begin, model.stop):
                if graph.number == GRAPH_TENSOR and graph.wire == LENGTH:
                    yield from _tensor(walk, graph)


def _tensor(walk: Walk, tensor: Field) -> Iterator[Place]:
    sides, kind, name, begin, size = list[int](), 0, "", -1, 0
    for field in walk.fields(tensor.begin, tensor.stop):
        if field.number == DIMS:
            sides += [field.value] if field.wire == VARINT else _packed(walk, field)
        elif field.number == DATA_TYPE and field.wire == VARINT:
            kind = field.value
        elif field.number == NAME and field.wire == LENGTH:
            name = walk.text(field, 1000)
        elif field.number == RAW and field.wire == LENGTH:
            begin, size = field.begin, field.stop - field.begin
    place = Place(name, ONNX_TYPES.get(kind, ""), tuple(sides), begin)
    # Numbers kept in another way, or of other types, are constants that no training changes.
    if place.type and begin >= 0 and place.size * np.dtype(ITEMS[place.type]).itemsize == size:
        yield place


def _packed(walk: Walk, field: Field) -> list[int]:
    values, at = list[int](), field.begin
    while at < field.stop:
        value, at = walk.varint(at, field.stop)
        values.append(value)
    return values
