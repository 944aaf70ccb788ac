"""What a quantiser hands over."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

import onnx

from worker.events import Event
from worker.quantisation.graph import Folded, Weights


@dataclass(frozen=True)
class Reduced:
    """`weights`: those of each layer after rounding, as floats; `activation_bytes`: the peak in the numbers kept."""

    model: onnx.ModelProto
    weights: Weights
    activation_bytes: int


Quantise = Callable[[Folded], Generator[Event, None, Reduced]]
