"""A benchmark run: one network, opened and written as files where torch is, then timed here or on a board."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Literal

import torch

from worker.context import Context
from worker.events import Event, Log
from worker.orders import Order
from worker.profiling import compiled, eager, onnx
from worker.profiling.engines import Engine, has_cuda, onnx_engine
from worker.profiling.protocol import measured
from worker.profiling.steps import Options
from worker.profiling.subject import subject
from worker.profiling.variants import Variant
from worker.profiling.written import Written

Choice = Literal["both", "all", "onnxruntime", "torch", "torch-compiled"]
# The headline engine comes last.
CHOICES: dict[Choice, tuple[str, ...]] = {
    "both": (eager.ENGINE, onnx.ENGINE), "all": (compiled.ENGINE, eager.ENGINE, onnx.ENGINE),
    "onnxruntime": (onnx.ENGINE,), "torch": (eager.ENGINE,), "torch-compiled": (compiled.ENGINE,)}


def prepare(context: Context) -> Generator[Event, None, Order]:
    """The files that a board needs: one ONNX file, and what is known of it."""
    network = yield from _opened(context)
    return Order(files=(network.onnx.name,), facts={"network": network.as_summary()})


def benchmark(choice: Choice, options: Options, *, on_gpu: bool, context: Context) -> Generator[Event, None, dict[str, Any]]:
    """Both halves where torch is, in every engine that was asked for."""
    network = yield from _opened(context)
    names = yield from _names(choice, network)
    engines = [_engine(name, network, on_gpu, context) for name in names]
    return (yield from measured(network, engines, options, context))


def _opened(context: Context) -> Generator[Event, None, Written]:
    torch.set_num_threads(context.threads)
    variant = (yield from subject(context)).variant
    # Said here, for here are both its files: a board is given the ONNX file alone.
    yield variant.said(given=True)
    return variant


def _names(choice: Choice, network: Written) -> Generator[Log, None, tuple[str, ...]]:
    """The engines that can run the network: of a quantised one there is only the ONNX file."""
    names = CHOICES[choice]
    if isinstance(network, Variant):
        return names
    told = f"{network.name} is quantised ({network.precision}): torch cannot run it"
    if onnx.ENGINE not in names:
        raise ValueError(f"{told}; choose onnxruntime.")
    if len(names) > 1:
        yield Log(level="warning", message=f"{told}, so it is timed in {onnx.ENGINE} only.")
    return (onnx.ENGINE,)


def _engine(name: str, network: Written, on_gpu: bool, context: Context) -> Engine:
    if name == onnx.ENGINE:
        return onnx_engine(network, threads=context.threads, on_gpu=on_gpu and has_cuda())
    assert isinstance(network, Variant)
    make = eager.engine if name == eager.ENGINE else compiled.engine
    return make(network.network, network.in_shape, network.path, threads=context.threads,
                on_gpu=on_gpu and torch.cuda.is_available(), workdir=context.workdir)
