"""A slice made ready to run: an array in, an array out. torch is loaded only where the slice is torch's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from numpy.typing import NDArray

from worker.partitioning.slicing.setup import Setup

Compute = Callable[[NDArray[Any]], NDArray[Any]]


class Ready(NamedTuple):
    """`runtime`: what runs it, with its version."""

    compute: Compute
    runtime: str


def ready(setup: Setup) -> Ready:
    if not setup.file:
        return Ready(lambda given: given, "nothing")
    return _torch(setup) if setup.engine == "torch" else _onnx(setup)


def _onnx(setup: Setup) -> Ready:
    import onnxruntime

    from worker.profiling import onnx

    session = onnx.session(Path(setup.file), threads=setup.threads, is_one_of_many=True)
    run, name = session.run, session.get_inputs()[0].name

    def compute(given: NDArray[Any]) -> NDArray[Any]:
        (found,) = run(None, {name: given})
        return found  # type: ignore[no-any-return]

    return Ready(compute, f"onnxruntime {onnxruntime.__version__}")


def _torch(setup: Setup) -> Ready:
    import torch

    from worker.dnn import files

    torch.set_num_threads(setup.threads)
    network = files.load(Path(setup.file)).network

    def compute(given: NDArray[Any]) -> NDArray[Any]:
        with torch.inference_mode():
            # What came over a wire may be read only.
            return network(torch.from_numpy(given if given.flags.writeable else given.copy())).numpy()  # type: ignore[no-any-return]

    return Ready(compute, f"torch {torch.__version__}")
