"""What a network is made of, as plain data: the word that the worker, the page, the API and the command line share.

No torch here: the worker describes (`worker.dnn.describe`), everybody reads and compares.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, field_validator

VERSION = 1
FLOAT32_BYTES, INT8_BYTES = 4, 1
INT8 = {"least": -128.0, "most": 127.0}
Point = tuple[float, float]


class Fact(BaseModel):
    """Immutable, and nothing unknown in it."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Layer(Fact):
    """One layer or function, for one float32 sample.

    `activation_bytes`: its result (0 for a view of what it reads). `living_bytes`: every result that is still needed while it
    runs, its own included. `inputs`: the names of what it reads, in order. `x` and `y`: the middle of its box in a drawing, in
    columns and rows, both from 0. `routes`: for each input the points on the way from there; none for a straight line.
    """

    name: str
    op: str
    params: int
    macs: int
    activation_bytes: int
    living_bytes: int
    out_shape: tuple[int, ...]
    inputs: tuple[str, ...]
    arguments: dict[str, Any] = {}
    x: float = 0.0
    y: float = 0.0
    routes: tuple[tuple[Point, ...], ...] = ()

    @property
    def channels(self) -> int:
        """The first axis of its result; a single number for a result without axes."""
        return self.out_shape[0] if self.out_shape else 1


class Cut(Fact):
    """A place where the network can be parted: behind `after`, where the results `tensors` must go across."""

    after: str
    tensors: tuple[str, ...]
    bytes: int
    head_macs: int


class Parity(Fact):
    """How far ONNX Runtime's answers were from the network's; None where a number was not finite."""

    max_abs: float | None
    max_relative: float | None

    @field_validator("max_abs", "max_relative")
    @classmethod
    def _finite(cls, value: float | None) -> float | None:
        return value if value is not None and math.isfinite(value) else None


class Input(Fact):
    """Where the sample comes in: what layers call it, and its place in the drawing."""

    name: str
    x: float = 0.0
    y: float = 0.0


class Structure(Fact):
    """A network's layers in the order in which they run; the result of `answer` is the network's."""

    version: int = VERSION
    in_shape: tuple[int, ...]
    out_shape: tuple[int, ...]
    params: int
    macs: int
    activation_bytes: int
    input: Input
    answer: str
    layers: tuple[Layer, ...]
    cuts: tuple[Cut, ...]
    parity: Parity | None = None

    def parted(self, most_tensors: int = 1) -> tuple[Cut, ...]:
        """Every place behind a layer, in the order in which they run, where at most `most_tensors` results go across.

        With one crossing result the places are those of the network, whatever the order of its layers. The sample itself
        counts as a result where layers behind the cut read it. What the answer does not need neither crosses nor counts.
        """
        whole = self.whole_numbers
        sizes = {self.input.name: FLOAT32_BYTES * math.prod(self.in_shape)}
        sizes |= {layer.name: (INT8_BYTES if layer.name in whole else FLOAT32_BYTES) * math.prod(layer.out_shape)
                  for layer in self.layers}
        needed, found, head_macs = _needed(self.layers, self.answer), [], 0
        for layer, across in _crossing(self.input.name, needed):
            head_macs += layer.macs
            if 0 < len(across) <= most_tensors:
                found.append(Cut(after=layer.name, tensors=tuple(across), head_macs=head_macs,
                                 bytes=sum(sizes[name] for name in across)))
        return tuple(found)

    @cached_property
    def single(self) -> dict[str, Cut]:
        """The places where one result goes across, by the layer that they are behind: worked out once, as all parts of a plan and
        all runs of an experiment ask for them."""
        return {cut.after: cut for cut in self.parted()}

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """What was worked out of the layers before is not that of other layers."""
        made = super().model_copy(update=update, deep=deep)
        made.__dict__.pop("single", None)
        return made

    @property
    def whole_numbers(self) -> frozenset[str]:
        """The layers whose results are rounded and held between -128 and 127: what goes on from there goes as int8."""
        ops = {layer.name: layer for layer in self.layers}
        held = [layer for layer in self.layers if layer.op == "Clamp" and layer.arguments == INT8]
        before = {layer.name: ops.get(layer.inputs[0]) for layer in held}
        return frozenset(name for name, read in before.items()
                         if read and read.op == "Pointwise" and read.arguments.get("function") == "round")

    @property
    def extent(self) -> Point:
        """Columns and rows that the drawing takes."""
        points = [(self.input.x, self.input.y), *((layer.x, layer.y) for layer in self.layers)]
        points += [point for layer in self.layers for route in layer.routes for point in route]
        return max(x for x, _ in points) + 1, max(y for _, y in points) + 1


def _needed(layers: tuple[Layer, ...], answer: str) -> list[Layer]:
    """The layers that the answer depends on, in their order."""
    wanted, found = {answer}, []
    for layer in reversed(layers):
        if layer.name in wanted:
            wanted.update(layer.inputs)
            found.append(layer)
    return found[::-1]


def _crossing(first: str, layers: list[Layer]) -> Iterator[tuple[Layer, Mapping[str, None]]]:
    """Each layer with the results that are made until it has run and read afterwards, in one sweep."""
    unread = Counter(name for layer in layers for name in set(layer.inputs))
    living: dict[str, None] = {first: None}
    for layer in layers:
        for name in set(layer.inputs):
            unread[name] -= 1
            if not unread[name]:
                del living[name]
        if unread[layer.name]:
            living[layer.name] = None
        yield layer, living


Change = Literal["removed", "added", "narrowed", "widened", "changed", "same"]
WIDTHS = {"in_channels", "out_channels", "in_features", "out_features", "num_features", "num_channels", "num_parameters",
          "normalized_shape"}


class Row(Fact):
    """A layer's name in two networks, `one` and `other`; `arguments`: those that differ, as (before, after)."""

    name: str
    change: Change
    one: Layer | None
    other: Layer | None
    arguments: dict[str, tuple[Any, Any]] = {}


class Totals(Fact):
    """A number of both networks."""

    before: int
    after: int


class Difference(Fact):
    """Layer by layer, in the order in which they run; `counts`: how many rows of each change."""

    rows: tuple[Row, ...]
    counts: dict[Change, int]
    layers: Totals
    params: Totals
    macs: Totals
    activation_bytes: Totals
    in_shapes: tuple[tuple[int, ...], tuple[int, ...]]
    out_shapes: tuple[tuple[int, ...], tuple[int, ...]]

    @property
    def matched(self) -> int:
        """How many layers have a namesake; few, and the two are different networks rather than one and its descendant."""
        return len(self.rows) - self.counts["removed"] - self.counts["added"]


def difference(one: Structure, other: Structure) -> Difference:
    """What became of the layers of `one` in `other`, by their names."""
    rows = tuple(_rows(one, other))
    counts: dict[Change, int] = dict.fromkeys(("removed", "added", "narrowed", "widened", "changed", "same"), 0)
    for row in rows:
        counts[row.change] += 1
    totals = {name: Totals(before=getattr(one, name), after=getattr(other, name))
              for name in ("params", "macs", "activation_bytes")}
    return Difference(
        rows=rows, counts=counts, layers=Totals(before=len(one.layers), after=len(other.layers)), **totals,
        in_shapes=(one.in_shape, other.in_shape), out_shapes=(one.out_shape, other.out_shape))


def _rows(one: Structure, other: Structure) -> Iterator[Row]:
    """The layers of `one` in their order; those that only `other` has stand where they do there."""
    mine, theirs = {layer.name for layer in one.layers}, {layer.name: place for place, layer in enumerate(other.layers)}
    done = 0
    for layer in one.layers:
        place = theirs.get(layer.name)
        if place is None:
            yield Row(name=layer.name, change="removed", one=layer, other=None)
            continue
        yield from (_added(each) for each in other.layers[done:place] if each.name not in mine)
        done = max(done, place + 1)
        yield _compared(layer, other.layers[place])
    yield from (_added(each) for each in other.layers[done:] if each.name not in mine)


def _added(layer: Layer) -> Row:
    return Row(name=layer.name, change="added", one=None, other=layer)


def _compared(one: Layer, other: Layer) -> Row:
    differing = {name: (one.arguments.get(name), other.arguments.get(name))
                 for name in {**one.arguments, **other.arguments} if one.arguments.get(name) != other.arguments.get(name)}
    return Row(name=one.name, change=_change(one, other, set(differing)), one=one, other=other, arguments=differing)


def _change(one: Layer, other: Layer, differing: set[str]) -> Change:
    """Another kind of layer is changed, not narrowed, and so is one of the same width; else weights decide, then channels."""
    another = one.op != other.op or (one.channels == other.channels and differing and not differing & WIDTHS)
    for before, after in ((one.params, other.params), (one.channels, other.channels)):
        if before != after and not another:
            return "narrowed" if after < before else "widened"
    return "changed" if another or differing or one.out_shape != other.out_shape else "same"
