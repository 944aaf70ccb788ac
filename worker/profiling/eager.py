"""The other engine: torch, operation by operation, as in training."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from worker.profiling.engines import Engine
from worker.profiling.stopwatch import Call

ENGINE = "torch"


def runner(
    network: Callable[[torch.Tensor], object], in_shape: Sequence[int], *, batch: int, threads: int, on_gpu: bool = False,
) -> Call:
    """One call is one inference of `batch` random images, on the processor unless told otherwise."""
    torch.set_num_threads(threads)
    given = images(in_shape, batch)
    if isinstance(network, torch.nn.Module):
        network.eval()
    if on_gpu:
        return _on_gpu(network, given)

    def call() -> object:
        with torch.inference_mode():
            return network(given)

    return call


def images(in_shape: Sequence[int], batch: int) -> torch.Tensor:
    """Random ones, the same every time."""
    return torch.randn((batch, *in_shape), generator=torch.Generator().manual_seed(0))


def _on_gpu(network: Callable[[torch.Tensor], object], given: torch.Tensor) -> Call:
    """A call ends when the GPU has done its work, not when it was told to."""
    given = given.cuda()

    def call() -> object:
        with torch.inference_mode():
            answer = network(given)
        torch.cuda.synchronize()
        return answer

    return call


def engine(
    network: torch.nn.Module, in_shape: Sequence[int], file: Path, *, threads: int, on_gpu: bool, workdir: Path,
) -> Engine:
    """torch as an engine of a benchmark; `file` is the network's safetensors file, which a new process loads."""
    used = copy.deepcopy(network).cuda() if on_gpu else network
    return Engine(
        name=f"{ENGINE}-cuda" if on_gpu else ENGINE, runtime=f"torch {torch.__version__}", file=file, on_gpu=on_gpu,
        open=lambda batch: runner(used, in_shape, batch=batch, threads=threads, on_gpu=on_gpu),
        cold=() if on_gpu else ("worker.profiling.cold_torch", str(file.resolve())))
