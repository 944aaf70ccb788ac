"""Enlarging and shrinking of images and signals."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from worker.dnn.export.operators import IT, NOTHING, Chain, Operator, whole
from worker.dnn.shapes import Shape

_MODES = {"linear": "linear", "bilinear": "linear", "bicubic": "cubic"}


def said(layer: nn.Module, before: Shape, after: Shape) -> Chain | None:
    if not isinstance(layer, nn.Upsample):
        return None
    if layer.mode == "nearest":
        return _nearest(layer, before, after)
    if layer.mode not in _MODES or (layer.mode == "linear") != (len(before) == 2):
        return None
    where = "align_corners" if layer.align_corners else "half_pixel"
    attributes = {"mode": _MODES[layer.mode], "coordinate_transformation_mode": where, "cubic_coeff_a": -0.75}
    return [_resized(attributes, _scales(layer, before, after))]


def _nearest(layer: nn.Upsample, before: Shape, after: Shape) -> Chain:
    """A resize where its rounding reads the places that torch reads; else those places, one by one."""
    scales = _scales(layer, before, after)
    places = [_places(layer, axis, before, after) for axis in range(1, len(before))]
    told = [np.floor(np.arange(side, dtype=np.float32) / np.float32(scale)).astype(int)
            for side, scale in zip(after[1:], scales[2:].tolist(), strict=True)]
    if all(np.array_equal(one, other.numpy()) for one, other in zip(told, places, strict=True)):
        attributes = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return [_resized(attributes, scales)]
    return [Operator("Gather", {"axis": axis + 1}, {f"places{axis}": whole(*row.tolist())}) for axis, row in enumerate(places, 1)]


def _resized(attributes: dict[str, Any], scales: Tensor) -> Operator:
    return Operator("Resize", attributes, {"scales": scales}, reads=(IT, NOTHING, "scales"))


def _places(layer: nn.Upsample, axis: int, before: Shape, after: Shape) -> Tensor:
    """Which places torch takes along one axis, asked of torch itself."""
    row = torch.arange(before[axis], dtype=torch.float32).view(1, 1, -1)
    if layer.size is not None:
        return functional.interpolate(row, after[axis], mode="nearest").flatten().long()
    return functional.interpolate(row, scale_factor=_factor(layer, axis), mode="nearest").flatten().long()


def _factor(layer: nn.Upsample, axis: int) -> float:
    factor: Any = layer.scale_factor
    return float(factor[axis - 1] if isinstance(factor, tuple | list) else factor)


def _scales(layer: nn.Upsample, before: Shape, after: Shape) -> Tensor:
    """Factors of all axes, batch and channels included, such that everybody comes to the right size."""
    sides = [_scale(side / size if layer.size is not None else _factor(layer, axis), size, side)
             for axis, (size, side) in enumerate(zip(before[1:], after[1:], strict=True), 1)]
    return torch.tensor([1.0, 1.0, *sides])


def _scale(exact: float, size: int, side: int) -> float:
    """Checkers multiply in double precision, runtimes in single: both must come to this side."""
    scale = np.float32(exact)
    while min(_sides(scale, size)) < side:
        scale = np.nextafter(scale, np.float32(np.inf))
    while max(_sides(scale, size)) > side:
        scale = np.nextafter(scale, np.float32(0))
    return float(scale)


def _sides(scale: np.float32, size: int) -> tuple[int, int]:
    return int(scale * np.float32(size)), int(float(scale) * size)
