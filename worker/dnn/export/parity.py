"""Whether ONNX Runtime answers like torch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnxruntime
import torch
from torch import fx

from worker.dnn import layers
from worker.dnn.shapes import Shape

LARGEST_RELATIVE = 1e-4
# A network that rounds in between: a difference in the last bit before may be a whole step behind, of which int8 has 255.
LARGEST_STEP = 2e-2
STEPS = frozenset({"round", "floor", "ceil", "sign"})
SAMPLES = 2
Answers = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Parity:
    """The largest difference between the two answers, and the same over the largest number in torch's answer."""

    max_abs: float
    max_relative: float


def compared(network: fx.GraphModule, in_shape: Shape, model: bytes) -> Parity:
    """Both answers to the same random images, on one thread."""
    return compared_in_turn(network, in_shape, [model])


def compared_in_turn(network: fx.GraphModule, in_shape: Shape, models: Sequence[bytes]) -> Parity:
    """The same for a network that is spread over several files, each of which is given what the one before it answers."""
    images = np.random.default_rng(0).standard_normal((SAMPLES, *in_shape), dtype=np.float32)
    theirs = images
    for model in models:
        session = onnxruntime.InferenceSession(model, _one_thread(), providers=["CPUExecutionProvider"])
        (theirs,) = session.run(None, {session.get_inputs()[0].name: theirs})
    with evaluating(network), torch.no_grad():
        like = next(network.parameters(), torch.zeros(0))
        ours = network(torch.from_numpy(images).to(like)).float().cpu().numpy()
    return difference(ours, theirs)


def difference(ours: Answers, theirs: Answers) -> Parity:
    """Where ours is no finite number (the logarithm of a negative one), theirs must be none of the same sort."""
    finite = np.isfinite(ours) if ours.shape == theirs.shape else np.zeros(0, bool)
    odd_alike = finite.any() and np.array_equal(ours[~finite], theirs[~finite], equal_nan=True)
    if not odd_alike or not np.isfinite(theirs[finite]).all():
        return Parity(float("inf"), float("inf"))
    largest = float(np.abs(ours[finite] - theirs[finite]).max())
    return Parity(largest, largest / max(float(np.abs(ours[finite]).max()), 1e-12))


def rounds(network: fx.GraphModule) -> bool:
    """Whether some layer of it takes steps."""
    return any(isinstance(layer, layers.Pointwise) and layer.function in STEPS for layer in network.modules())


def refuse_strangers(parity: Parity, network: fx.GraphModule) -> None:
    """ValueError when ONNX Runtime's answers are not the network's."""
    if not math.isfinite(parity.max_relative):
        raise ValueError("Its answers to random images are no finite numbers, so ONNX Runtime's cannot be compared with them.")
    if parity.max_relative > (LARGEST_STEP if rounds(network) else LARGEST_RELATIVE):
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
