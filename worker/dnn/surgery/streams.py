"""What a node's result is made of: which channel lies at each place of its channel axis, and how its other axes compare."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Numbers = TypeVar("Numbers", bound=npt.NDArray[np.generic])
Sides = tuple[int, ...]
Spread = Literal["", "inner", "outer"]

# In the place of the channel axis' own size, which surgery changes; symbols lie below it.
CHANNELS = -1
NONE: Ids = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Stream:
    """`sides`: the sample's axes, a positive number where the size is known, else a symbol below zero: equal symbols are
    equal sizes. None when not even the number of axes is known; the channel axis is the last one then.

    `ids` is empty where no channel can be told. `spread`: a flattened axis on which each channel takes an unknown number
    of places, side by side (inner) or once in each round (outer). `order`: 0 where a smaller network has the channels in
    the order they have here; behind a shuffle it may have them in another, and equal numbers mean the same one.
    """

    ids: Ids
    axis: int = 0
    sides: Sides | None = None
    spread: Spread = ""
    order: int = 0

    @property
    def known(self) -> bool:
        return len(self.ids) > 0

    @property
    def last(self) -> bool:
        """Whether the channel axis is the last one."""
        return self.sides is None or self.axis == len(self.sides) - 1

    @property
    def vector(self) -> bool:
        """Whether all axes but the channels' have size 1."""
        return self.sides is not None and all(side == 1 for axis, side in enumerate(self.sides) if axis != self.axis)


def spelled(stream: Stream, of_each: Numbers, places: int) -> Numbers | None:
    """What holds for each channel of the stream, for each of `places` of a layer that reads it; None if they do not fit."""
    count = len(of_each)
    if not count or places % count or (not stream.spread and places != count):
        return None
    if places == count:
        return of_each
    times = places // count
    return np.repeat(of_each, times) if stream.spread == "inner" else np.tile(of_each, times)  # type: ignore[return-value]


def product(sides: Sides) -> int | None:
    """The product of sizes; None when one of them is not known."""
    return math.prod(sides) if all(side > 0 for side in sides) else None
