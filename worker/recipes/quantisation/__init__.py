"""Recipes of the kind `quantisation`, and what they share: parameters and charts."""

from __future__ import annotations

from worker.params import DatasetRef, ModelRef, Params, param
from worker.recipe import Chart

EXAMPLE = {"model": "lenet5", "dataset": "digits"}
TRADEOFF = Chart("tradeoff", "Accuracy against latency", y=("accuracy",), x="latency_ms_p50",
                 x_title="latency, ms (p50, ONNX Runtime)", y_title="accuracy", percent=True)
ROUNDING = Chart("bars", "Rounding error of the weights by layer, relative to their size", y=("rounding_error",), x="layer",
                 y_title="relative error", percent=True)
PHASES = Chart("bars", "Time by phase", y=("phase_seconds",), x="phase", y_title="seconds")


class QuantisationParams(Params):
    """What every way to quantise is told."""

    model: ModelRef = param(help="The network to quantise: dense, pruned or uploaded, with fp32 weights.", essential=True)
    dataset: DatasetRef = param(help="The data whose test part judges both networks.", essential=True)
    latency_batch: int = param(1, help="Images per timed inference; the latency is that of the whole batch.",
                               unit="images", essential=True, ge=1, le=1024)
