"""fp16: every weight and every result in 16 bits; the file is half as large, the answers hardly change.

How it works: the ONNX file of the network is rewritten with 16-bit weights and results; inputs and outputs stay 32-bit numbers.
The answers are compared with those of the original, and accuracy and latency of both are measured.

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
from worker.recipe import Paper, recipe
from worker.recipes.quantisation import EXAMPLE, PHASES, ROUNDING, TRADEOFF, QuantisationParams


class Params(QuantisationParams):
    pass


@recipe(
    "fp16", params=Params, charts=[TRADEOFF, ROUNDING, PHASES], example=EXAMPLE,
    use_when="the file should be half as large at hardly any loss, or the device computes in half precision; most processors "
             "do not, and get no faster.",
    papers=[Paper("micikevicius2017mixed", ("Micikevicius, Paulius", "others"), "Mixed Precision Training", 2017,
                  arxiv="1710.03740")],
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.quantisation.comparison import compare
    from worker.quantisation.half import quantiser

    return (yield from compare("fp16", quantiser, context, batch=params.latency_batch))
