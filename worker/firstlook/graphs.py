"""The outline of an ONNX file: counted and measured by its fields, before any library builds something of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod

from worker.firstlook.protobuf import FIXED32, FIXED64, LENGTH, VARINT, Body, Ended, Field, Walk
from worker.firstlook.sentences import LEADS_OUT, SEPARATE, Unfit, printable

MOST_NODES = 20_000
MOST_TENSORS = 40_000
MOST_DEPTH = 8
MOST_FIELDS = 600_000
MOST_SEEN_FIELDS = 60_000
LONGEST_NAME = 1_000
LONGEST_LIST_BYTES = 10_000_000
MOST_SIDES = 16
EXTERNAL = 1
STRING = 8
# Bytes of one number by ONNX's data types; 4-bit ones are packed two by two.
ITEM_BYTES = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 14: 8, 15: 16, 16: 2,
              17: 1, 18: 1, 19: 1, 20: 1}
# The fields of a ModelProto: every file that is one consists of these.
MODEL_FIELDS = {1: VARINT, 2: LENGTH, 3: LENGTH, 4: LENGTH, 5: VARINT, 6: LENGTH, 7: LENGTH, 8: LENGTH, 14: LENGTH, 20: LENGTH,
                25: LENGTH, 26: LENGTH}
SECOND_TAGS = frozenset(number << 3 | wire for number, wire in MODEL_FIELDS.items() if 1 < number < 16)
STRANGE = "This is no ONNX model: its field {number} is none of a model's."
NO_GRAPH = "The ONNX file holds no graph."
TEXTS = "The tensor {name} of the ONNX file holds texts; numbers are taken."
CLAIMS = "The tensor {name} of the ONNX file claims {claimed:,} bytes and holds {there:,}."


@dataclass
class Outline:
    """What was counted; `separate` is the first file that the model names for its weights."""

    graphs: int = 0
    nodes: int = 0
    tensors: int = 0
    depth: int = 0
    separate: str | None = None


@dataclass
class Tensor:
    name: str = ""
    sides: list[int] = field(default_factory=list)
    data_type: int = 0
    raw: int | None = None
    other: int = 0
    is_separate: bool = False
    location: str = ""


def looks_like_onnx(head: bytes) -> bool:
    """ir_version as the first field, then another field of a ModelProto."""
    return len(head) > 1 and head[0] == 0x08 and 1 <= head[1] <= 30 and (len(head) == 2 or head[2] in SECOND_TAGS)


def glance(head: bytes, size: int) -> Outline:
    """What the beginning of a file shows of it; Unfit at once when it can never be taken."""
    return _outlined(Walk(head, size, MOST_SEEN_FIELDS), is_whole=False)


def outline(body: Body) -> Outline:
    """The whole file, counted; Unfit in one sentence when it is damaged, too deep, too many or not what it says."""
    found = _outlined(Walk(body, len(body), MOST_FIELDS), is_whole=True)
    if not found.graphs:
        raise Unfit(NO_GRAPH)
    return found


def alone(found: Outline) -> None:
    """Unfit when the weights lie in another file; one that could never be sent along is not asked for."""
    if found.separate and leads_out(found.separate):
        raise Unfit(LEADS_OUT.format(name=printable(found.separate)))
    if found.separate is not None:
        raise Unfit(SEPARATE.format(name=repr(printable(found.separate)) if found.separate else "which it does not name"))


def leads_out(location: str) -> bool:
    """Whether a data file of that name lies anywhere but in the folder of its model or below."""
    parts = set(location.split("/"))
    return "\\" in location or ":" in location or not location.isprintable() or not parts.isdisjoint({"", "..", "*"})


def _outlined(walk: Walk, *, is_whole: bool) -> Outline:
    counting = _Counting(walk)
    try:
        counting.model()
    except Ended:
        pass
    except Unfit:
        if is_whole or walk.left >= 0:
            raise
    return counting.found


class _Counting:
    """Walks a model: graphs in nodes in graphs, functions, and every tensor that stands anywhere in them."""

    def __init__(self, walk: Walk) -> None:
        self.walk, self.found = walk, Outline()

    def model(self) -> None:
        for each in self.walk.fields(0, self.walk.size):
            if MODEL_FIELDS.get(each.number) != each.wire:
                raise Unfit(STRANGE.format(number=each.number))
            if each.number in (2, 3, 4):
                self.name(each)
            elif each.number == 7:
                self.found.graphs += 1
                self.graph(each, 1)
            elif each.number == 25:
                self.each(each, {7: lambda inner: self.node(inner, 1), 11: lambda inner: self.attribute(inner, 1)})
            elif each.number == 20:
                self.each(each, {1: lambda inner: self.graph(inner, 1), 2: lambda inner: self.graph(inner, 1)})

    def each(self, outer: Field, doing: dict[int, Callable[[Field], None]]) -> None:
        for inner in self.walk.fields(outer.begin, outer.stop):
            if inner.wire == LENGTH and inner.number in doing:
                doing[inner.number](inner)

    def graph(self, outer: Field, depth: int) -> None:
        self.found.depth = max(self.found.depth, depth)
        if depth > MOST_DEPTH:
            raise Unfit(f"The graphs of the ONNX file are nested more than {MOST_DEPTH} deep.")
        self.each(outer, {1: lambda inner: self.node(inner, depth), 5: self.tensor, 15: self.sparse, 2: self.name,
                          11: lambda inner: self.each(inner, {1: self.name}), 12: lambda inner: self.each(inner, {1: self.name})})

    def node(self, outer: Field, depth: int) -> None:
        self.found.nodes += 1
        if self.found.nodes > MOST_NODES:
            raise Unfit(f"The ONNX file has more than {MOST_NODES:,} nodes.")
        names = dict.fromkeys((1, 2, 3, 4, 7), self.name)
        self.each(outer, {**names, 5: lambda inner: self.attribute(inner, depth)})

    def attribute(self, outer: Field, depth: int) -> None:
        nested = dict.fromkeys((6, 11), lambda inner: self.graph(inner, depth + 1))
        tensors = dict.fromkeys((5, 10), self.tensor)
        lists = dict.fromkeys((4, 7, 8, 9), self.short)
        self.each(outer, {**nested, **tensors, **lists, 1: self.name, 22: self.sparse, 23: self.sparse})

    def sparse(self, outer: Field) -> None:
        self.each(outer, {1: self.tensor, 2: self.tensor})

    def name(self, inner: Field) -> None:
        if inner.stop - inner.begin > LONGEST_NAME:
            raise Unfit(f"A name in the ONNX file has {inner.stop - inner.begin:,} bytes; at most {LONGEST_NAME:,} are read.")
        if inner.stop > len(self.walk.body):
            raise Ended
        try:
            bytes(self.walk.body[inner.begin:inner.stop]).decode()
        except UnicodeDecodeError:
            raise Unfit(f"The name at byte {inner.begin:,} of the ONNX file is no text.") from None

    def short(self, inner: Field) -> None:
        if inner.stop - inner.begin > LONGEST_LIST_BYTES:
            raise Unfit(f"An attribute in the ONNX file has {inner.stop - inner.begin:,} bytes; at most {LONGEST_LIST_BYTES:,} "
                        "are read.")

    def tensor(self, outer: Field) -> None:
        self.found.tensors += 1
        if self.found.tensors > MOST_TENSORS:
            raise Unfit(f"The ONNX file has more than {MOST_TENSORS:,} tensors.")
        seen = Tensor()
        try:
            for inner in self.walk.fields(outer.begin, outer.stop):
                self._of_tensor(seen, inner)
        finally:
            # Also of a tensor that is only half here.
            if seen.is_separate and self.found.separate is None:
                self.found.separate = seen.location
        _check(seen)

    def _of_tensor(self, seen: Tensor, inner: Field) -> None:
        if inner.number == 1:
            seen.sides.extend(self._numbers(inner))
        elif inner.number == 2:
            seen.data_type = inner.value
        elif inner.number == 8:
            self.name(inner)
            seen.name = printable(self.walk.text(inner, 200))
        elif inner.number == 9:
            seen.raw = inner.stop - inner.begin
        elif inner.number in (4, 5, 6, 7, 10, 11):
            seen.other += {FIXED32: 4, FIXED64: 8, VARINT: 1}.get(inner.wire, inner.stop - inner.begin)
        elif inner.number == 13:
            self._of_location(seen, inner)
        elif inner.number == 14:
            seen.is_separate |= inner.value == EXTERNAL

    def _numbers(self, inner: Field) -> list[int]:
        if inner.wire != LENGTH:
            return [_signed(inner.value)]
        found, at = [], inner.begin
        while at < inner.stop:
            value, at = self.walk.varint(at, inner.stop)
            found.append(_signed(value))
            if len(found) > MOST_SIDES:
                raise Unfit(f"A tensor of the ONNX file has more than {MOST_SIDES} sides.")
        return found

    def _of_location(self, seen: Tensor, outer: Field) -> None:
        entry = {inner.number: self.walk.text(inner, LONGEST_NAME) for inner in self.walk.fields(outer.begin, outer.stop)
                 if inner.wire == LENGTH}
        if entry.get(1) == "location":
            seen.location = entry.get(2, "")


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _check(seen: Tensor) -> None:
    """What it says of itself against the bytes that are there."""
    if len(seen.sides) > MOST_SIDES or any(not 0 <= side < 1 << 40 for side in seen.sides):
        raise Unfit(f"The tensor {seen.name} of the ONNX file has sides that no tensor has.")
    if seen.data_type == STRING:
        raise Unfit(TEXTS.format(name=seen.name))
    if seen.is_separate:
        return
    count = prod(seen.sides)
    if seen.raw is not None and seen.data_type in ITEM_BYTES:
        claimed = count * ITEM_BYTES[seen.data_type]
        if claimed != seen.raw:
            raise Unfit(CLAIMS.format(name=seen.name, claimed=claimed, there=seen.raw))
    elif seen.raw is None and seen.data_type in ITEM_BYTES and count > seen.other:
        raise Unfit(CLAIMS.format(name=seen.name, claimed=count * ITEM_BYTES[seen.data_type], there=seen.other))
