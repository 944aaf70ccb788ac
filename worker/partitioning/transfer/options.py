"""What transfer layers there are, in words, and what each makes of a feature map: its shape on the way, its bytes. No torch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Literal, get_args

Shape = tuple[int, ...]
Kind = Literal["identity", "max-pool", "average", "strided", "bottleneck"]
Numbers = Literal["float32", "int8", "int8 per channel"]
KINDS: tuple[Kind, ...] = get_args(Kind)
WIDTHS: dict[Numbers, int] = {"float32": 4, "int8": 1, "int8 per channel": 1}
MEANINGS: dict[Kind, str] = {
    "identity": "the feature map as it is",
    "max-pool": "the largest of each 2x2 window, then each number four times, as ScissionTL has it",
    "average": "the mean of each 2x2 window, then bilinear interpolation",
    "strided": "a 2x2 convolution of each channel with a stride of 2, then a transposed one; both are trained",
    "bottleneck": "a 1x1 convolution to a fraction of the channels, then one back; both are trained",
}
RATIO, MOST_RATIO = 4, 256
WINDOW = 2
_WORDS = re.compile(rf"(?P<kind>{'|'.join(KINDS)})(?: (?P<ratio>\d{{1,3}}))?(?:,? (?P<numbers>int8(?: per channel)?))?")


@dataclass(frozen=True)
class Option:
    """One transfer layer. `ratio`: of a bottleneck, how many times fewer channels are sent. `numbers`: what is sent."""

    kind: Kind
    numbers: Numbers = "float32"
    ratio: int = RATIO

    def __str__(self) -> str:
        """The one way of writing it: read again, it is the same."""
        shrunk = f"{self.kind} {self.ratio}" if self.kind == "bottleneck" else self.kind
        return shrunk if self.numbers == "float32" else f"{shrunk}, {self.numbers}"

    def unfit(self, shape: Shape) -> str:
        """Why it cannot stand behind a layer that answers with this shape, in words; empty where it can."""
        if self.kind == "identity" and self.numbers != "int8 per channel":
            return ""
        if len(shape) != 3 or prod(shape[1:]) == 1:
            return f"it needs a feature map larger than 1x1, and there is {'x'.join(map(str, shape))}"
        if self.kind == "bottleneck" and shape[0] < self.ratio:
            return f"{shape[0]} channels cannot be made {self.ratio} times fewer"
        return ""

    def window(self, shape: Shape) -> tuple[int, int]:
        """Of a pool: along an axis of one place nothing can be taken away."""
        return min(WINDOW, shape[1]), min(WINDOW, shape[2])

    def crossing(self, shape: Shape) -> Shape:
        """What is sent of a result of this shape: of odd sides the last row or column is left out, as published."""
        if self.kind == "identity":
            return shape
        if self.kind == "bottleneck":
            return (shape[0] // self.ratio, *shape[1:])
        return (shape[0], *(side // step for side, step in zip(shape[1:], self.window(shape), strict=True)))

    def payload_bytes(self, shape: Shape, batch: int = 1) -> int:
        """Of so many images: the numbers alone. Scales and zero points of int8 are in both halves' files and are not sent."""
        return batch * WIDTHS[self.numbers] * prod(self.crossing(shape))


IDENTITY = Option("identity")


def read(line: str) -> Option:
    """ValueError in a sentence where nobody can tell what is meant."""
    found = _WORDS.fullmatch(" ".join(line.split()))
    if found is None or (found["ratio"] and found["kind"] != "bottleneck"):
        raise ValueError(f"got {line[:60]!r}; a transfer layer is one of {', '.join(KINDS)} (bottleneck {RATIO}: that many times "
                         "fewer channels), and may end in ', int8' or ', int8 per channel'")
    ratio = int(found["ratio"] or RATIO)
    if not 2 <= ratio <= MOST_RATIO:
        raise ValueError(f"got {line[:60]!r}; a bottleneck has 2 to {MOST_RATIO} times fewer channels")
    return Option(found["kind"], found["numbers"] or "float32", ratio)  # type: ignore[arg-type]


def each_once(found: Sequence[Option]) -> tuple[Option, ...]:
    return tuple(dict.fromkeys(found))
