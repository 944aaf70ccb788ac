"""fp16: every weight and every result in 16 bits; the file is half as large, the answers hardly change.

Half precision of IEEE 754, converted by onnxruntime; Micikevicius and others: "Mixed Precision Training", 2017, arXiv
1710.03740, tells what it holds and what it does not. Batch-norm is folded first; images and answers stay fp32.
Where ONNX Runtime computes fp16 files in 32 bits, as on most processors, results too large for 16 bits would go unseen: they
are looked for in fp32, on images of the train part.
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
    use_when="the file should be half as large at hardly any loss, or the device computes in half precision; most processors "
             "do not, and get no faster.",
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.quantisation.comparison import compare
    from worker.quantisation.half import quantiser

    return (yield from compare("fp16", quantiser, context, batch=params.latency_batch))
