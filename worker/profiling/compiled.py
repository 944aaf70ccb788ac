"""The third engine: torch.compile, which writes a program for the network; where no compiler is, it is left out."""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import torch

from worker.profiling import eager
from worker.profiling.engines import Engine, Missing
from worker.profiling.stopwatch import Call

ENGINE = "torch-compiled"
COMPILERS = ("c++", "g++", "clang++")
NO_COMPILER = "torch.compile needs a C++ compiler (g++ or clang++), and there is none here."
NOT_THIS = "torch.compile could not compile this network here ({kind})."


def engine(
    network: torch.nn.Module, in_shape: Sequence[int], file: Path, *, threads: int, on_gpu: bool, workdir: Path,
) -> Engine:
    """torch.compile as an engine of a benchmark. A new process would compile again, so loading is not measured apart."""
    return Engine(
        name=f"{ENGINE}-cuda" if on_gpu else ENGINE, runtime=f"torch {torch.__version__}", file=file, on_gpu=on_gpu,
        compiles=True, open=lambda batch: _opened(network, in_shape, batch, threads, on_gpu, workdir))


def _opened(network: torch.nn.Module, in_shape: Sequence[int], batch: int, threads: int, on_gpu: bool, workdir: Path) -> Call:
    """Compiled by its first call, which is made here, so that what cannot be compiled is known at once."""
    if not on_gpu and not has_compiler():
        raise Missing(NO_COMPILER)
    _in_here(workdir)
    used = copy.deepcopy(network).eval()
    used = used.cuda() if on_gpu else used
    call = eager.runner(torch.compile(used, dynamic=False), in_shape, batch=batch, threads=threads, on_gpu=on_gpu)
    try:
        call()
    except Exception as error:  # The compiler's own kinds of error are many, and none of them is the network's fault.
        raise Missing(NOT_THIS.format(kind=type(error).__name__)) from error
    return call


def has_compiler() -> bool:
    return any(shutil.which(name) for name in (os.environ.get("CXX", ""), *COMPILERS) if name)


def _in_here(workdir: Path) -> None:
    """What the compiler writes lies in the run's folder, and no helpers of it stay behind."""
    from torch._inductor import config

    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(workdir / "compiled")
    # Headers that are compiled once for all networks would lie elsewhere.
    config.cpp_cache_precompile_headers = False
    config.compile_threads = 1
