"""What was read against the file itself: ONNX Runtime's answers to random images beside the network's."""

from __future__ import annotations

import numpy as np
import onnxruntime
import torch
from torch import fx

from worker.dnn.export.parity import LARGEST_RELATIVE, Parity, evaluating
from worker.dnn.ingest.onnx.values import Array
from worker.firstlook import Unfit

RUNTIME = "ONNX Runtime cannot run this file, so its answers cannot be compared with those of the network that was read."


def images(shape: tuple[int, ...], dtype: str = "float32") -> Array:
    """Random images, the same every time."""
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


def answers_of_file(body: bytes, given: Array) -> Array:
    """The file's own answers, on one thread; Unfit when it cannot be run."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # The file is asked as it stands; optimising it would take memory and time, and change the last digits.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.add_session_config_entry("session.disable_prepacking", "1")
    try:
        session = onnxruntime.InferenceSession(body, options, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        (found,) = session.run(None, {name: given})
    except Exception as error:  # its errors share no class but this one
        raise Unfit(RUNTIME) from error
    return np.asarray(found)


def compared(network: fx.GraphModule, given: Array, theirs: Array) -> Parity:
    """The largest difference, told also over the largest number of the answers; Unfit beyond what is allowed."""
    with evaluating(network), torch.no_grad():
        ours = network(torch.from_numpy(given.astype(np.float32))).numpy()
    if ours.shape != theirs.shape:
        raise Unfit(f"The network that was read answers in the shape {_told(ours)}, ONNX Runtime in {_told(theirs)}.")
    if not np.isfinite(theirs).all() or not np.isfinite(ours).all():
        raise Unfit("The network answers random images with numbers that are not finite, so it cannot be compared.")
    largest = float(np.abs(ours - theirs).max())
    parity = Parity(largest, largest / max(float(np.abs(ours).max()), 1e-12))
    if not parity.max_relative <= LARGEST_RELATIVE:
        raise Unfit(f"The network that was read answers otherwise than ONNX Runtime: by {parity.max_relative:.1e} of its largest "
                    f"number; at most {LARGEST_RELATIVE:.0e} is taken.")
    return parity


def _told(array: Array) -> str:
    return "x".join(map(str, array.shape))
