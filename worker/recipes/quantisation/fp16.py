"""fp16: every weight and every result in 16 bits; the file is half as large, the answers hardly change.

Half precision of IEEE 754, converted by onnxruntime; Micikevicius and others: "Mixed Precision Training", 2017, arXiv
1710.03740, tells what it holds and what it does not. Batch-norm is folded first; images and answers stay fp32.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from worker.context import Context
from worker.events import Event
from worker.recipe import recipe
from worker.recipes.quantisation import EXAMPLE, PHASES, ROUNDING, TRADEOFF, QuantisationParams


class Params(QuantisationParams):
    pass


@recipe(
    "fp16", params=Params, charts=[TRADEOFF, ROUNDING, PHASES], example=EXAMPLE,
    use_when="the file should be half as large at no loss, or the device computes in half precision; most processors do "
             "not, and get slower.",
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.quantisation.comparison import compare
    from worker.quantisation.half import halved

    return (yield from compare("fp16", lambda data: halved, context, batch=params.latency_batch))
