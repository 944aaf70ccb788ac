"""Layers: time a network block by block on this device, with what goes across every cut, as a planner needs it.

How it works: the network is parted at its valid cuts, where one tensor goes across. In torch a clock stands between two blocks
of the running network, so one repeat is one pass, and what lies between two blocks is counted. In ONNX Runtime each block is a
file and a session of its own, and is fed what the one before it answers; on a board it is always so. In turn with these passes
the whole network is timed in one piece, and the sum of the blocks is held against it: the additivity error.

The per-block half of Scission's benchmarking: Lockhart, Harvey, Imai, Willis, Varghese: "Scission: Performance-driven and
Context-aware Cloud-Edge Distribution of Deep Neural Networks", 2020, arXiv 2008.03523.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Literal

from worker.context import Context
from worker.events import Event
from worker.orders import Order
from worker.params import DatasetRef, DeviceRef, ModelRef, param
from worker.params import Params as EveryRecipe
from worker.recipe import Board, Chart, Paper, recipe

if TYPE_CHECKING:
    from worker.profiling.stopwatch import Plan


class Params(EveryRecipe):
    model: ModelRef = param(help="The network to time, block by block.", essential=True)
    dataset: DatasetRef = param(help="Says the size of the images; they are not used otherwise.", essential=True)
    device: DeviceRef = param("", help="Where it is timed: empty means this computer. A board runs it in ONNX Runtime.",
                              essential=True)
    engine: Literal["onnxruntime", "torch"] = param(
        "onnxruntime", help="What runs the blocks: ONNX Runtime, a file each, as they would be deployed; torch, in one pass.",
        essential=True)
    cuts: Literal["blocks", "layers"] = param(
        "blocks", help="Where blocks end: before every layer that multiplies, pools or joins, or behind every single layer.",
        essential=True)
    batch: int = param(1, help="Images in one pass; all figures are those of the whole batch.", unit="images", ge=1, le=1024)
    repeats: int = param(30, help="Timed passes, at least.", unit="passes", essential=True, ge=6, le=1000)
    warmup: int = param(3, help="Passes before the first timed one.", unit="passes", ge=0, le=100)
    seconds: float = param(1.0, help="Time on until so many seconds of whole passes are sampled.", unit="s", ge=0, le=600)
    max_cut_tensors: int = param(1, help="Tensors that may go across a cut, in torch; a slice in ONNX Runtime takes one.",
                                 unit="tensors", ge=1, le=8)


def prepare(params: Params, context: Context) -> Generator[Event, None, Order]:
    from worker.profiling import layerwise

    return (yield from layerwise.prepare(params.cuts, params.max_cut_tensors, context))


def measure(params: Params, order: Order, context: Context) -> Generator[Event, None, dict[str, Any]]:
    """On a board: nothing from here on knows torch."""
    from worker.profiling import blockwise

    return (yield from blockwise.measure(_plan(params), order, batch=params.batch, context=context))


def refuse(params: Params) -> dict[str, str]:
    if params.engine == "onnxruntime":
        return {}
    return {"engine": f"a board has no {params.engine}: choose onnxruntime, or let this computer measure"}


def _plan(params: Params) -> Plan:
    from worker.profiling.stopwatch import Plan

    return Plan(warmup=params.warmup, least=params.repeats, seconds=params.seconds, most=1000, rounds=1)


@recipe(
    "Layers", params=Params, needs_quiet=True, board=Board(prepare, measure, refuse),
    charts=[Chart("bars", "Time of each block", y=("block_latency_ms",), x="block",
                  x_title="block, as numbered in the table", y_title="time, ms")],
    example={"model": "lenet5", "dataset": "digits", "repeats": 10, "warmup": 1, "seconds": 0.02},
    presets={"quick look": {"repeats": 10, "seconds": 0.3}, "careful": {"repeats": 100, "warmup": 10, "seconds": 10}},
    use_when="you want to know where a network's time goes on a device, or where to part it between several.",
    papers=[Paper("lockhart2020scission",
                  ("Lockhart, Luke", "Harvey, Paul", "Imai, Pierre", "Willis, Peter", "Varghese, Blesson"),
                  "Scission: Performance-driven and Context-aware Cloud-Edge Distribution of Deep Neural Networks", 2020,
                  arxiv="2008.03523")],
)
def run(params: Params, context: Context) -> Generator[Event, None, dict[str, Any]]:
    if params.engine == "onnxruntime":
        order = yield from prepare(params, context)
        return (yield from measure(params, order, context))
    from worker.profiling.layerwise import by_torch

    return (yield from by_torch(params.cuts, params.max_cut_tensors, _plan(params), batch=params.batch, context=context))
