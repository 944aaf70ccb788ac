"""Which ONNX operators say what a torch layer does, with which attributes and tensors."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

IT, GIVEN, NOTHING = "<it>", "<given>", ""


@dataclass(frozen=True)
class Operator:
    """`tensors` become initialisers; `since` is the opset that has it.

    It reads what the operator before it made (IT), then its tensors, unless `reads` says otherwise: GIVEN is what the whole
    layer was given, NOTHING an input left out. `axes` are an attribute or an input, as the file's opset has it.
    """

    kind: str
    attributes: dict[str, Any] = field(default_factory=dict)
    tensors: dict[str, Tensor] = field(default_factory=dict)
    since: int = 17
    reads: tuple[str, ...] = ()
    axes: tuple[int, ...] = ()


Chain = list[Operator]


def held(layer: nn.Module, *names: str) -> dict[str, Tensor]:
    """The layer's own tensors of these names, where it has them."""
    return {name: tensor for name in names if (tensor := getattr(layer, name)) is not None}


def number(value: float) -> Tensor:
    return torch.tensor(float(value))


def whole(*values: int) -> Tensor:
    return torch.tensor(values, dtype=torch.int64)


def each(value: Any, axes: int) -> list[int]:
    """One number for all axes, or one for each."""
    return list(value) if isinstance(value, tuple | list) else [value] * axes


def reshaped(*sample: int) -> Operator:
    """The sample in another shape, whatever the batch: a 0 keeps a side."""
    return Operator("Reshape", tensors={"shape": whole(0, *sample)})
