"""The engine that devices run: ONNX Runtime over a file. NumPy only, so that an agent can time without torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime

from worker.profiling.stopwatch import Call

ENGINE = "onnxruntime"
PROCESSOR = "CPUExecutionProvider"
ERRORS_ONLY = 3


def session(
    path: Path, *, threads: int, providers: Sequence[str] = (PROCESSOR,), is_one_of_many: bool = False,
) -> onnxruntime.InferenceSession:
    """Loaded by its absolute path: external data lies beside the file, wherever the process stands.

    Threads wait in a busy loop for more to do; of many sessions in a process those of the others would take the processor.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = threads
    options.log_severity_level = ERRORS_ONLY
    if is_one_of_many and threads > 1:
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path.resolve()), options, providers=list(providers))


def runner(path: Path, *, batch: int, threads: int, providers: Sequence[str] = (PROCESSOR,)) -> Call:
    """One call is one inference of `batch` random images; the input is made once and reused."""
    opened = session(path, threads=threads, providers=providers)
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
