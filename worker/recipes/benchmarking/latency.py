"""Latency: time whole inferences on a device by a published protocol, and say how far the numbers can be trusted.

How it works: the network is loaded in new processes, cold and warm, which also tells its peak memory; then, warmed up until it
is steady, whole inferences are timed one after the other, in each engine; then in batches of several sizes; then, where asked
for, for minutes without a pause. All samples are kept; the median, the 95th and 99th percentile are reported with their 95 %
intervals, and a badge says whether the timing is stable, noisy or throttled, and why. This is protocol 1, which the guide on
benchmarks writes out.

The end-to-end half of Scission's benchmarking: Lockhart, Harvey, Imai, Willis, Varghese: "Scission: Performance-driven and
Context-aware Cloud-Edge Distribution of Deep Neural Networks", 2020, arXiv 2008.03523.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from worker.context import Context
from worker.events import Event, Log
from worker.orders import Order
from worker.params import AnyModelRef, DatasetRef, DeviceRef, param
from worker.params import Params as EveryRecipe
from worker.recipe import Board, Chart, Paper, recipe

if TYPE_CHECKING:
    from worker.profiling.steps import Options

MOST_SAMPLES = 10_000
Batch = Annotated[int, Field(ge=1, le=1024)]


class Params(EveryRecipe):
    model: AnyModelRef = param(help="The network to time.", essential=True)
    dataset: DatasetRef = param(help="Says the size of the images; they are not used otherwise.", essential=True)
    device: DeviceRef = param("", help="Where it is timed: empty means this computer. A board has ONNX Runtime only.",
                              essential=True)
    engine: Literal["both", "all", "onnxruntime", "torch", "torch-compiled"] = param(
        "both", help="What runs the network: both is ONNX Runtime and torch, all is torch.compile too. A quantised network has "
                     "ONNX Runtime only, and so has a board.", essential=True)
    batch: int = param(1, help="Images per inference; the latency is that of the whole batch.", unit="images",
                       essential=True, ge=1, le=1024)
    laps: int = param(100, help="Timed inferences, at least; 368 give the 99th percentile an interval.", unit="inferences",
                      essential=True, ge=6, le=MOST_SAMPLES)
    sustained: float = param(0, help="Go on without a pause for so long, to see the machine get warm and slow.", unit="minutes",
                             essential=True, ge=0, le=60)
    batches: tuple[Batch, ...] = param((1, 4, 16), help="Batches of these sizes are timed too, for the throughput.",
                                       unit="images", max_length=20)
    warmup: int = param(10, help="Inferences before the first timed one, at least; more until their time is steady.",
                        unit="inferences", ge=0, le=1000)
    seconds: float = param(1.0, help="Time on until so many seconds of inference are sampled.", unit="s", ge=0, le=600)
    tries: int = param(3, help="A disturbed timing is made again, so often in all at most; the calmest is kept.", ge=1, le=10)
    cold: int = param(3, help="New processes that load the network, for loading and memory; 0 leaves both out.",
                      unit="processes", ge=0, le=50)
    drop_cache: bool = param(True, help="Ask the system to forget the network's file before each cold load, where it can.")
    cooldown: float = param(10.0, help="Wait at most so long for the machine to come to rest before each part.", unit="s",
                            ge=0, le=600)
    processor: Literal["auto", "cpu"] = param("auto", help="auto uses an NVIDIA GPU where the engine finds one.")


def prepare(params: Params, context: Context) -> Generator[Event, None, Order]:
    from worker.profiling import benchmark

    return (yield from benchmark.prepare(context))


def measure(params: Params, order: Order, context: Context) -> Generator[Event, None, dict[str, Any]]:
    """On a board: nothing from here on knows torch."""
    from worker.profiling import protocol

    if params.engine != "onnxruntime":
        yield Log(level="warning", message="A board has ONNX Runtime only, so the network is timed in no other engine.")
    return (yield from protocol.measure(_options(params), order, on_gpu=params.processor == "auto", context=context))


def refuse(params: Params) -> dict[str, str]:
    if params.engine not in ("torch", "torch-compiled"):
        return {}
    return {"engine": f"a board has no {params.engine}: choose onnxruntime, or let this computer measure"}


def _options(params: Params) -> Options:
    from worker.profiling.sampling import Goal
    from worker.profiling.steps import Options

    return Options(
        goal=Goal(params.laps, params.seconds, MOST_SAMPLES), batch=params.batch, batches=params.batches, warmup=params.warmup,
        cold=params.cold, drop_cache=params.drop_cache, sustained_s=60 * params.sustained, cooldown_s=params.cooldown,
        tries=params.tries)


@recipe(
    "Latency", params=Params, needs_quiet=True, board=Board(prepare, measure, refuse),
    charts=[
        Chart("samples", "Inference by inference", y=("latency_ms",), by="engine", line="latency_percentile_ms",
              x_title="inference", y_title="latency, ms"),
        Chart("line", "Throughput over batch size", y=("throughput_per_s",), by="engine",
              x_title="images per batch", y_title="images a second"),
        Chart("line", "Latency over batch size", y=("batch_latency_ms",), by="engine",
              x_title="images per batch", y_title="latency of the batch, ms"),
        Chart("line", "Sustained load: throughput", y=("sustained_throughput_per_s",), by="engine",
              x_title="seconds of inference", y_title="images a second"),
        Chart("line", "Sustained load: latency", y=("sustained_latency_ms",), by="engine",
              x_title="seconds of inference", y_title="latency, ms"),
        Chart("bars", "Starting in a new process", y=("load_ms",), x="stage", by="engine", x_title="step", y_title="ms"),
        Chart("bars", "Peak memory in a new process", y=("memory_mb",), x="what", by="engine", x_title="resident", y_title="MB"),
    ],
    example={"model": "lenet5", "dataset": "digits", "engine": "onnxruntime", "laps": 20, "warmup": 2, "seconds": 0.05,
             "batches": [1, 2], "cold": 1, "cooldown": 0, "tries": 1, "sustained": 0.001},
    presets={"quick look": {"laps": 30, "seconds": 0.3, "batches": [], "cold": 1, "cooldown": 2, "tries": 2},
             "careful": {"laps": 500, "warmup": 50, "seconds": 10, "cold": 6, "cooldown": 60},
             "the whole protocol": {"laps": 500, "warmup": 50, "seconds": 10, "cold": 6, "cooldown": 60, "sustained": 2,
                                    "batches": [1, 2, 4, 8, 16, 32]}},
    use_when="you need a number for this network on this device that another person will get again.",
    papers=[Paper("lockhart2020scission",
                  ("Lockhart, Luke", "Harvey, Paul", "Imai, Pierre", "Willis, Peter", "Varghese, Blesson"),
                  "Scission: Performance-driven and Context-aware Cloud-Edge Distribution of Deep Neural Networks", 2020,
                  arxiv="2008.03523")],
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    from worker.profiling.benchmark import benchmark

    return (yield from benchmark(params.engine, _options(params), on_gpu=params.processor == "auto", context=context))
