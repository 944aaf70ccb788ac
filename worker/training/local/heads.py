"""Auxiliary heads: what a unit's result is classified by while the unit learns, behind one interface.

linear: adaptive average pool to 2x2, then a linear layer. half: a 3x3 convolution with half as many filters as the unit has
channels (8 to 256), batch-norm and a rectifier before it. 256: the same with 256 filters for every unit, as classic local
learning has it (Belilovsky, Eickenberg, Oyallon: "Decoupled Greedy Learning of CNNs", 2019, arXiv 1901.08164).
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal

import torch
from torch import fx, nn

from worker.dnn.form import trace
from worker.dnn.initialisation import reinitialise
from worker.dnn.shapes import Shape, output_shape
from worker.dnn.spec import embody

Head = Literal["linear", "half", "256"]
LEAST, MOST = 8, 256
SIDE = 2


def filters(kind: Head, channels: int) -> int:
    """How many filters the head's convolution has; 0 where it has none."""
    return {"linear": 0, "half": min(max(channels // 2, LEAST), MOST), "256": MOST}[kind]


def outline(kind: Head, shape: Shape, classes: int, name: str) -> fx.GraphModule:
    """A head for results of `shape` on the meta device; its layers are called `name` and a dot and what they are.

    A side that two do not divide is pooled to one place, as windows of unlike sizes have no word in ONNX. A result that is a
    row of numbers is classified as it is, whatever the kind: it has no places to convolve over.
    """
    with torch.device("meta"):
        layers = OrderedDict[str, nn.Module]()
        channels, places = shape[0], shape[1:]
        if len(places) == 2 and (width := filters(kind, channels)):
            layers |= {"conv": nn.Conv2d(channels, width, 3, 1, 1, bias=False), "bn": nn.BatchNorm2d(width), "relu": nn.ReLU()}
            channels = width
        if places:
            sides = tuple(SIDE if side % SIDE == 0 else 1 for side in places)
            pool = nn.AdaptiveAvgPool2d(sides) if len(places) == 2 else nn.AdaptiveAvgPool1d(sides[0])
            layers |= {"pool": pool, "flatten": nn.Flatten()}
            channels *= int(torch.Size(sides).numel())
        layers["fc"] = nn.Linear(channels, classes)
        made = trace(_Named(name, layers))
    assert output_shape(made, shape) == (classes,)
    return made


def drawn(head: fx.GraphModule, seed: int) -> fx.GraphModule:
    """Fresh weights for an outlined head."""
    embody(head)
    reinitialise(head, seed)
    return head


class _Named(nn.Module):
    def __init__(self, name: str, layers: OrderedDict[str, nn.Module]) -> None:
        super().__init__()
        self.name = name
        self.add_module(name, nn.Sequential(layers))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.get_submodule(self.name)(images)  # type: ignore[no-any-return]
