"""An engine, as a benchmark sees it: a name, a version, and a way to have a network run in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import onnxruntime

from worker.profiling import onnx
from worker.profiling.stopwatch import Call
from worker.profiling.written import Written

CUDA = "CUDAExecutionProvider"


class Missing(Exception):
    """This engine cannot run here, in one sentence."""


@dataclass(frozen=True)
class Engine:
    """`open(batch)` gives a call that is one inference; `cold` are the arguments of a new process that loads `file`, none where
    loading has no meaning. `compiles`: the first call of `open` is work that is not loading, told apart. `on_gpu`: the processor
    waits while another works, so its own time says nothing."""

    name: str
    runtime: str
    file: Path
    open: Callable[[int], Call]
    cold: tuple[str, ...] = ()
    compiles: bool = False
    on_gpu: bool = False


def has_cuda() -> bool:
    return CUDA in onnxruntime.get_available_providers()


def onnx_engine(network: Written, *, threads: int, on_gpu: bool = False) -> Engine:
    """ONNX Runtime over the network's file, on the processor or where asked so on an NVIDIA GPU."""
    providers = [CUDA, onnx.PROCESSOR] if on_gpu else [onnx.PROCESSOR]
    return Engine(
        name=f"{onnx.ENGINE}-cuda" if on_gpu else onnx.ENGINE, runtime=f"{onnx.ENGINE} {onnxruntime.__version__}",
        file=network.onnx, on_gpu=on_gpu,
        open=lambda batch: onnx.runner(network.onnx, batch=batch, threads=threads, providers=providers),
        cold=() if on_gpu else ("worker.profiling.cold", str(network.onnx.resolve())))
