"""Whether ONNX Runtime answers like torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import onnxruntime
import torch
from torch import fx

from worker.dnn.shapes import Shape

LARGEST_RELATIVE = 1e-4
SAMPLES = 2


@dataclass(frozen=True)
class Parity:
    """The largest difference between the two answers, and the same over the largest number in torch's answer."""

    max_abs: float
    max_relative: float


def compared(network: fx.GraphModule, in_shape: Shape, model: bytes) -> Parity:
    """Both answers to the same random images, on one thread."""
    images = np.random.default_rng(0).standard_normal((SAMPLES, *in_shape), dtype=np.float32)
    session = onnxruntime.InferenceSession(model, _one_thread(), providers=["CPUExecutionProvider"])
    (theirs,) = session.run(None, {session.get_inputs()[0].name: images})
    with evaluating(network), torch.no_grad():
        like = next(network.parameters(), torch.zeros(0))
        ours = network(torch.from_numpy(images).to(like)).float().cpu().numpy()
    if ours.shape != theirs.shape or not np.isfinite(theirs).all():
        return Parity(float("inf"), float("inf"))
    largest = float(np.abs(ours - theirs).max())
    return Parity(largest, largest / max(float(np.abs(ours).max()), 1e-12))


def refuse_strangers(parity: Parity) -> None:
    """ValueError when ONNX Runtime's answers are not the network's."""
    if not parity.max_relative <= LARGEST_RELATIVE:
        raise ValueError(f"ONNX Runtime's answers differ from the network's by {parity.max_relative:.1e} (relative).")


@contextmanager
def evaluating(network: fx.GraphModule) -> Iterator[None]:
    """Evaluation mode for a while; every layer's own mode comes back."""
    modes = {layer: layer.training for layer in network.modules()}
    network.eval()
    try:
        yield
    finally:
        for layer, mode in modes.items():
            layer.training = mode


def _one_thread() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Parity is asked of the file as it stands; optimising it first would only cost time here.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return options
