"""A torch layer in ONNX's words: which family knows it."""

from __future__ import annotations

from torch import nn

from worker.dnn.export import activations, moving, pooling, resizing, weighted
from worker.dnn.export.operators import Chain
from worker.dnn.shapes import Shape

_FAMILIES = (weighted, activations, pooling, moving, resizing)


def operators_of(layer: nn.Module, name: str, before: Shape, after: Shape) -> Chain:
    """`before` and `after` are the shapes of its input and result; ValueError for a layer ONNX has no words for."""
    for family in _FAMILIES:
        chain: Chain | None = family.said(layer, before, after)
        if chain is not None:
            return chain
    raise ValueError(f"The layer {name} ({type(layer).__name__}) cannot be written as ONNX.")
