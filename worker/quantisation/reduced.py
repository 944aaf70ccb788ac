"""What a quantiser hands over."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

import onnx

from worker.events import Event
from worker.quantisation.graph import Folded, Weights


@dataclass(frozen=True)
class Reduced:
    """`weights`: those of each layer after rounding, as floats; `activation_bytes`: the peak in the numbers kept.

    `why_slower`: said when it turns out slower. `doubt`: what the measurement here cannot show, said in any case.
    """

    model: onnx.ModelProto
    weights: Weights
    activation_bytes: int
    why_slower: str = ""
    doubt: str = ""


Quantise = Callable[[Folded], Generator[Event, None, Reduced]]
