"""The engine that devices run: ONNX Runtime over a file. NumPy only, so that an agent can time without torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime

from worker.profiling.stopwatch import Call

ENGINE = "onnxruntime"
ERRORS_ONLY = 3


def session(path: Path, *, threads: int) -> onnxruntime.InferenceSession:
    """Loaded by its absolute path: external data lies beside the file, wherever the process stands."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = threads
    options.log_severity_level = ERRORS_ONLY
    return onnxruntime.InferenceSession(str(path.resolve()), options, providers=["CPUExecutionProvider"])


def runner(path: Path, *, batch: int, threads: int) -> Call:
    """One call is one inference of `batch` random images; the input is made once and reused."""
    opened = session(path, threads=threads)
    asked = opened.get_inputs()[0]
    feed = {asked.name: _images(asked.shape, batch)}
    return lambda: opened.run(None, feed)


def _images(shape: list[int | str | None], batch: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    fixed, *rest = shape
    if isinstance(fixed, int) and fixed != batch:
        raise ValueError(f"the network takes batches of {fixed}, not of {batch}")
    sizes = [size for size in rest if isinstance(size, int)]
    if len(sizes) != len(rest):
        raise ValueError(f"the network's input {shape} leaves more than the batch open")
    return np.random.default_rng(0).standard_normal((batch, *sizes), dtype=np.float32)
