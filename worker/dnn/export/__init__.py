"""A network as one ONNX file that ONNX Runtime answers alike."""

from __future__ import annotations

from pathlib import Path

import onnx
from torch import fx

from worker.context import write_durably
from worker.dnn.export.parity import Parity, compared, refuse_strangers
from worker.dnn.export.writer import to_model
from worker.dnn.fold import fold_batchnorm
from worker.dnn.shapes import Shape

__all__ = ["Parity", "to_onnx"]


def to_onnx(network: fx.GraphModule, in_shape: Shape, path: Path, *, fold: bool = False) -> Parity:
    """Write the network, as it answers in evaluation mode, in float32 with a dynamic batch axis; batch-norm folded if asked.

    The file is checked by onnx and run by ONNX Runtime before it is written; ValueError when the answers differ. The same
    network gives the same bytes.
    """
    shape = tuple(in_shape)
    model = to_model(fold_batchnorm(network, shape) if fold else network, shape)
    body = model.SerializeToString(deterministic=True)
    del model
    onnx.checker.check_model(body)
    parity = compared(network, shape, body)
    refuse_strangers(parity, network)
    write_durably(Path(path), body)
    return parity
