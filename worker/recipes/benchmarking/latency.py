"""Latency: time whole inferences on this device, every sample kept, and say how far the numbers can be trusted.

The end-to-end half of Scission's benchmarking: Lockhart, Harvey, Imai, Willis, Varghese, 2020, arXiv 2008.03523.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Literal

from worker.context import Context
from worker.events import Event
from worker.params import AnyModelRef, DatasetRef, param
from worker.params import Params as EveryRecipe
from worker.recipe import Chart, recipe


class Params(EveryRecipe):
    model: AnyModelRef = param(help="The network to time.", essential=True)
    dataset: DatasetRef = param(help="Says the size of the images; they are not used otherwise.", essential=True)
    engine: Literal["both", "onnxruntime", "torch"] = param(
        "both", help="What runs the network; a quantised one only ONNX Runtime can.", essential=True)
    batch: int = param(1, help="Images per inference; the latency is that of the whole batch.", unit="images",
                       essential=True, ge=1, le=1024)
    laps: int = param(100, help="Timed inferences, at least.", unit="inferences", essential=True, ge=6, le=10_000)
    warmup: int = param(10, help="Inferences before the first timed one.", unit="inferences", ge=0, le=1000)
    seconds: float = param(1.0, help="Time on until so many seconds of inference are sampled.", unit="s", ge=0, le=600)


@recipe(
    "Latency", params=Params, needs_quiet=True,
    charts=[Chart("samples", "Inference by inference", y=("latency_ms",), by="engine",
                  x_title="inference", y_title="latency, ms")],
    example={"model": "lenet5", "dataset": "digits", "laps": 20, "warmup": 2, "seconds": 0.05},
    presets={"quick look": {"laps": 30, "seconds": 0.3}, "careful": {"laps": 500, "warmup": 50, "seconds": 10}},
    use_when="you need a number for this network on this device that another person will get again.",
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.profiling.benchmark import benchmark
    from worker.profiling.stopwatch import Plan

    plan = Plan(warmup=params.warmup, least=params.laps, seconds=params.seconds, most=10_000, rounds=1)
    return (yield from benchmark(params.engine, plan, batch=params.batch, context=context))
