"""What a name in an ONNX graph stands for while it is read: numbers that the file fixes, or a result of the network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import fx

from worker.dnn.shapes import Shape
from worker.firstlook import Unfit, printable

Array = npt.NDArray[Any]


class BatchMixed(Unfit):
    """The graph as written works for one size of batch only, or moves numbers between samples."""


@dataclass(frozen=True)
class Known:
    """Numbers fixed by the file, told for two sizes of batch: where they differ they depend on it."""

    one: Array
    two: Array

    @property
    def is_fixed(self) -> bool:
        return self.one is self.two

    @staticmethod
    def of(one: Array, two: Array | None = None) -> Known:
        """Equal numbers become the same ones."""
        same = two is None or one is two or (one.shape == two.shape and one.size <= 4096 and np.array_equal(one, two))
        return Known(one, one) if same or two is None else Known(one, two)


@dataclass(frozen=True)
class Flow:
    """A result of the network; `shape` is one sample's, the batch axis stands before it."""

    node: fx.Node
    shape: Shape


@dataclass(frozen=True)
class Merged:
    """A result whose samples are laid end to end: `one` and `two` are its whole shape for the two sizes of batch."""

    flow: Flow
    one: Shape
    two: Shape


Value = Known | Flow | Merged


@dataclass(frozen=True)
class Call:
    """One node of the graph with what it is given. Axes are ONNX's: 0 is the batch."""

    op: str
    name: str
    opset: int
    attributes: dict[str, Any]
    inputs: list[Value | None]
    names: list[str]
    outputs: list[str]
    origins: list[str] = field(default_factory=list)

    def refuse(self, why: str) -> Unfit:
        return Unfit(f"The node {printable(self.name)} ({printable(self.op)}) {why}.")

    def mixed(self, why: str = "moves numbers between the samples of a batch") -> BatchMixed:
        return BatchMixed(f"The node {printable(self.name)} ({printable(self.op)}) {why}.")

    def has(self, place: int) -> bool:
        return place < len(self.inputs) and self.inputs[place] is not None

    def flow(self, place: int = 0) -> Flow:
        value = self.inputs[place] if self.has(place) else None
        if isinstance(value, Merged):
            raise self.mixed()
        if not isinstance(value, Flow):
            raise self.refuse("is given fixed numbers where a result of the network is expected")
        return value

    def array(self, place: int) -> Array:
        value = self.inputs[place] if self.has(place) else None
        if value is None:
            raise self.refuse(f"lacks its input {place + 1}")
        if not isinstance(value, Known):
            raise self.refuse(f"computes its input {place + 1} from the images; only fixed numbers are read there")
        if not value.is_fixed:
            raise self.mixed("depends on how many samples a batch has")
        return value.one

    def get(self, name: str, default: Any = None) -> Any:
        return self.attributes.get(name, default)

    def option(self, name: str, place: int) -> Any:
        """What is an attribute in some opsets and an input in others; None when it is not given."""
        if name in self.attributes:
            return self.attributes[name]
        return self.array(place).tolist() if self.has(place) else None

    def ints(self, name: str, place: int) -> list[int] | None:
        found = self.option(name, place)
        if found is None:
            return None
        return [int(number) for number in (found if isinstance(found, list | tuple) else [found])]

    def number(self, name: str, place: int, default: Any = None) -> Any:
        """One number, given as an attribute or as an input of one element."""
        found = self.option(name, place)
        while isinstance(found, list) and len(found) == 1:
            found = found[0]
        if isinstance(found, list):
            raise self.refuse(f"has several numbers for {name}; one is read")
        return default if found is None else found

    def reads_only(self, outputs: int = 1) -> None:
        """Refuse when the file uses results beyond the first ones."""
        if any(self.outputs[outputs:]):
            raise self.refuse(f"gives {len(self.outputs)} results; only the first is known here")

    def axis(self, axis: int, rank: int) -> int:
        """An axis counted from the front; `rank` counts the batch as well."""
        if not -rank <= axis < rank:
            raise self.refuse(f"names the axis {axis} of {rank}")
        return axis % rank if axis < 0 else axis

    def axes(self, axes: Sequence[int], rank: int) -> list[int]:
        return [self.axis(int(axis), rank) for axis in axes]

    def in_world(self, two: bool) -> Call:
        """The same call when the batch has the first or the second of the sizes."""
        def chosen(value: Value | None) -> Value | None:
            if not isinstance(value, Known):
                return value
            array = value.two if two else value.one
            return Known(array, array)
        return replace(self, inputs=[chosen(value) for value in self.inputs])
