"""A file of ONNX as protobuf lays it out: the bytes of large weights are pointed at, not copied."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from worker.firstlook import Unfit

GRAPH, INITIALISER, RAW_DATA = 7, 5, 9
LARGE = 1024
BROKEN = "The file is cut off or is no ONNX file."
_WIDTHS = {1: 8, 5: 4}


class Field(NamedTuple):
    """One field of a message: its bytes stand from `inner` to `end`, with its tag and length from `start`."""

    number: int
    wire: int
    start: int
    inner: int
    end: int


def without_weights(body: bytes) -> tuple[bytes, dict[int, memoryview]]:
    """The same model without the bytes of its large initialisers, and those bytes by the initialiser's place."""
    view, raw, kept = memoryview(body), dict[int, memoryview](), list[bytes | memoryview]()
    count = 0
    for field in _fields(view, 0, len(view)):
        if (field.number, field.wire) == (GRAPH, 2):
            inner, count = _graph(view, field, raw, count)
            kept += [b"\x3a", _varint(len(inner)), inner]
        else:
            kept.append(view[field.start : field.end])
    return b"".join(kept), raw


def _graph(view: memoryview, graph: Field, raw: dict[int, memoryview], count: int) -> tuple[bytes, int]:
    kept = list[bytes | memoryview]()
    for field in _fields(view, graph.inner, graph.end):
        if (field.number, field.wire) == (INITIALISER, 2):
            inner = _tensor(view, field, raw, count)
            kept += [b"\x2a", _varint(len(inner)), inner]
            count += 1
        else:
            kept.append(view[field.start : field.end])
    return b"".join(kept), count


def _tensor(view: memoryview, tensor: Field, raw: dict[int, memoryview], place: int) -> bytes:
    kept = list[memoryview]()
    for field in _fields(view, tensor.inner, tensor.end):
        if (field.number, field.wire) == (RAW_DATA, 2) and field.end - field.inner > LARGE:
            raw[place] = view[field.inner : field.end]
        else:
            kept.append(view[field.start : field.end])
    return b"".join(kept)


def _fields(view: memoryview, start: int, end: int) -> Iterator[Field]:
    while start < end:
        tag, place = _number(view, start, end)
        number, wire = tag >> 3, tag & 7
        inner = place
        if wire == 0:
            _, place = _number(view, place, end)
        elif wire == 2:
            length, inner = _number(view, place, end)
            place = inner + length
        elif wire in _WIDTHS:
            place += _WIDTHS[wire]
        else:
            raise Unfit(BROKEN)
        if place > end or number == 0:
            raise Unfit(BROKEN)
        yield Field(number, wire, start, inner, place)
        start = place


def _number(view: memoryview, place: int, end: int) -> tuple[int, int]:
    """A varint and where it ends."""
    found = shift = 0
    while place < end and shift < 70:
        byte = view[place]
        found |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return found, place
    raise Unfit(BROKEN)


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*found, number])
