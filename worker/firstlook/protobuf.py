"""The fields of a protobuf message, one after the other, without a library: nothing is built of them, so nothing can grow."""

from __future__ import annotations

from collections.abc import Iterator
from mmap import mmap
from typing import NamedTuple

from worker.firstlook.sentences import Unfit

DAMAGED = "The ONNX file is cut off or damaged: what should stand at byte {at:,} does not."
CUT = "The ONNX file is cut off: something in it should reach to byte {stop:,}, and there are {size:,}."
MANY = "The ONNX file has more than {limit:,} fields."
VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
LONGEST_VARINT = 10
Body = bytes | mmap


class Field(NamedTuple):
    """A field by its number: a `value`, or the bytes from `begin` to `stop`."""

    number: int
    wire: int
    begin: int
    stop: int
    value: int


class Ended(Exception):
    """The bytes that are here have ended; the file goes on. What was seen until here still holds."""


class Walk:
    """Goes through the fields of a file of `size` bytes of which `body` may be the beginning only."""

    def __init__(self, body: Body, size: int, most_fields: int) -> None:
        self.body, self.size, self.left, self.most = body, size, most_fields, most_fields

    def fields(self, at: int, stop: int) -> Iterator[Field]:
        """The fields between two places; Unfit where they are none."""
        while at < stop:
            self.left -= 1
            if self.left < 0:
                raise Unfit(MANY.format(limit=self.most))
            begun = at
            tag, at = self.varint(at, stop)
            found = self._field(tag >> 3, tag & 7, at, stop, begun)
            yield found
            at = found.stop

    def _field(self, number: int, wire: int, at: int, stop: int, begun: int) -> Field:
        value = 0
        if wire == VARINT:
            value, end = self.varint(at, stop)
        elif wire == LENGTH:
            length, at = self.varint(at, stop)
            end = at + length
        elif wire in (FIXED64, FIXED32):
            end = at + (8 if wire == FIXED64 else 4)
        else:
            raise Unfit(DAMAGED.format(at=begun))
        if end > self.size:
            raise Unfit(CUT.format(stop=end, size=self.size))
        if end > stop or number == 0:
            raise Unfit(DAMAGED.format(at=begun))
        return Field(number, wire, at, end, value)

    def varint(self, at: int, stop: int) -> tuple[int, int]:
        value = shift = 0
        for place in range(at, min(stop, at + LONGEST_VARINT)):
            if place >= len(self.body):
                raise Ended
            byte = self.body[place]
            value |= (byte & 127) << shift
            if byte < 128:
                return value, place + 1
            shift += 7
        raise Unfit(DAMAGED.format(at=at))

    def text(self, field: Field, most: int) -> str:
        """At most `most` bytes of a field, as text."""
        return bytes(self.body[field.begin:min(field.stop, field.begin + most)]).decode("utf-8", "replace")
