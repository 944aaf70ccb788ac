"""Fresh weights: Kaiming normal by fan-in, biases zero; norms, Scale and Shift are the identity, PReLU as torch has it.

So it is for every architecture, layer scale too: no paper's own beginning is kept (see `architectures/convnext.py`). Other
draws are there for methods whose outcome depends on how weights are drawn.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, fx, nn

from worker.dnn.spec import layer_of, name_of

WEIGHTED = nn.Conv1d | nn.Conv2d | nn.ConvTranspose1d | nn.ConvTranspose2d | nn.Linear
Drawn = Literal["kaiming_normal", "xavier_normal", "orthogonal", "normal"]
# Of weights that are drawn alike in every layer, whatever its size.
ALIKE = 0.05


def reinitialise(
    network: fx.GraphModule, generator: torch.Generator | int | None = None, only: set[str] | None = None,
    drawn: Drawn = "kaiming_normal",
) -> None:
    """Redraw the network's weights in place, layer by layer in the order of the graph.

    `generator` may be a seed; None draws from torch's own generator. `only` names the layers to redraw.
    Weights are N(0, 2 / fan_in) (He et al. 2015, arXiv 1502.01852); or N(0, 2 / (fan_in + fan_out)) (Glorot and Bengio
    2010); or orthogonal with the gain of a rectifier (Saxe et al. 2013, arXiv 1312.6120); or N(0, 0.05^2) in every layer.
    """
    source = torch.Generator().manual_seed(generator) if isinstance(generator, int) else generator
    for node in network.graph.nodes:
        layer = layer_of(network, node)
        if layer is not None and (only is None or name_of(node) in only):
            _redraw(layer, source, drawn)


@torch.no_grad()
def _redraw(layer: nn.Module, generator: torch.Generator | None, drawn: Drawn) -> None:
    if isinstance(layer, WEIGHTED):
        # Drawn on the generator's own device, so that a seed means the same weights on every device.
        place = "cpu" if generator is None else generator.device
        fresh = torch.empty(layer.weight.shape, dtype=layer.weight.dtype, device=place)
        layer.weight.copy_(_draw(fresh, layer, generator, drawn))
        if layer.bias is not None:
            layer.bias.zero_()
    elif callable(reset := getattr(layer, "reset_parameters", None)):
        reset()


def _draw(fresh: Tensor, layer: WEIGHTED, generator: torch.Generator | None, drawn: Drawn) -> Tensor:
    if drawn == "orthogonal":
        return nn.init.orthogonal_(fresh, math.sqrt(2.0), generator=generator)
    spreads = {"kaiming_normal": math.sqrt(2.0 / fan_in(layer)), "normal": ALIKE,
               "xavier_normal": math.sqrt(2.0 / (fan_in(layer) + fan_out(layer)))}
    return fresh.normal_(0.0, spreads[drawn], generator=generator)


def fan_in(layer: WEIGHTED) -> float:
    """How many numbers each number of the layer's result is a sum of.

    A transposed convolution reaches a place of its result with only every `stride`-th weight of its kernel.
    """
    if not isinstance(layer, nn.ConvTranspose1d | nn.ConvTranspose2d):
        return math.prod(layer.weight.shape[1:])
    return layer.in_channels / layer.groups * math.prod(layer.kernel_size) / math.prod(layer.stride)


def fan_out(layer: WEIGHTED) -> float:
    """How many numbers of the layer's result each number that comes in has a part in, strides left aside."""
    inputs = layer.in_features if isinstance(layer, nn.Linear) else layer.in_channels
    return layer.weight.numel() / inputs
