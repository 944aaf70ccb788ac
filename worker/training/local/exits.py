"""The exits of a trained network, and which of them is cut out: the smallest that is nearly as accurate as the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Exit:
    """The units up to `number` and the head behind them: `params` of all of these; `accuracy` on the validation part."""

    number: int
    unit: str
    params: int
    accuracy: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def best(exits: Sequence[Exit]) -> Exit:
    """The most accurate; of equals the smallest."""
    return max(exits, key=lambda each: (each.accuracy, -each.params, -each.number))


def chosen(exits: Sequence[Exit], tolerance: float) -> Exit:
    """Of those at most `tolerance` (a fraction: 0.01 is one point) less accurate than the best, the one of fewest parameters.

    The criterion of the paper is not known; this one is a reconstruction. Test data have no say in it.
    """
    least = best(exits).accuracy - tolerance - 1e-9  # 0.93 is 0.94 less one point, whatever floats make of it
    return min((each for each in exits if each.accuracy >= least), key=lambda each: (each.params, each.number))
