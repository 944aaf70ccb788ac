"""int8: weights and results as 8-bit integers, their ranges seen on some training images; no training is needed.

How it works: some training images run through the network and the range of each result is noted; then weights and results are
stored as 8-bit integers with a scale each, and the engine computes with integers. Accuracy and latency of both are measured.

Jacob, Kligys, Chen, Zhu, Tang, Howard, Adam, Kalenichenko: "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", 2017, arXiv 1712.05877; done by onnxruntime's static quantiser after folding batch-norm.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Literal

from worker.context import Context
from worker.events import Event
from worker.params import param
from worker.recipe import Paper, recipe
from worker.recipes.quantisation import EXAMPLE, PHASES, ROUNDING, TRADEOFF, QuantisationParams

if TYPE_CHECKING:
    from worker.quantisation.eight import Rules


class Params(QuantisationParams):
    images: int = param(128, help="Images of the train part on which the ranges of all results are seen.", unit="images",
                        essential=True, ge=1, le=10_000)
    method: Literal["minmax", "entropy", "percentile"] = param(
        "minmax", help="A result's range: all numbers seen; the range that keeps most information; or all but the "
                       "outermost ones.", essential=True)
    percentile: float = param(99.99, help="With `percentile`: the share of the numbers seen that a range keeps.", unit="%",
                              ge=90, le=100)
    per_channel: bool = param(True, help="A scale for each output channel of a layer's weights instead of one for all; more "
                                         "accurate, hardly slower.", essential=True)
    activations: Literal["uint8", "int8"] = param(
        "uint8", help="Integers of results: uint8 suits x86, int8 often suits ARM.")
    narrow: bool = param(False, help="Weights in 7 bits, for x86 processors without VNNI, whose 8-bit products overflow.")

    def rules(self) -> Rules:
        """How results and weights are rounded. Loads torch."""
        from worker.quantisation.calibration import Calibration
        from worker.quantisation.eight import Rules

        return Rules(self.per_channel, self.activations, self.narrow,
                     Calibration(self.method, self.images, self.percentile, self.seed))


@recipe(
    "int8", params=Params, charts=[TRADEOFF, ROUNDING, PHASES], example=EXAMPLE | {"images": 32},
    presets={"quick look": {"images": 32}, "careful": {"images": 512, "method": "percentile"}},
    use_when="the network should be a quarter as large and faster on processors with 8-bit arithmetic; try it on every "
             "variant before you prune further.",
    papers=[Paper("jacob2017quantization",
                  ("Jacob, Benoit", "Kligys, Skirmantas", "Chen, Bo", "Zhu, Menglong", "Tang, Matthew", "Howard, Andrew",
                   "Adam, Hartwig", "Kalenichenko, Dmitry"),
                  "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", 2017,
                  arxiv="1712.05877")],
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.quantisation.comparison import compare
    from worker.quantisation.eight import quantiser

    return (yield from compare("int8", lambda data: quantiser(data, params.rules(), context), context,
                               batch=params.latency_batch))
