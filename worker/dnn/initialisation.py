"""Fresh weights: Kaiming normal by fan-in, biases zero, batch-norm the identity."""

from __future__ import annotations

import math

import torch
from torch import fx, nn

from worker.dnn.spec import layer_of, name_of


def reinitialise(
    network: fx.GraphModule, generator: torch.Generator | int | None = None, only: set[str] | None = None
) -> None:
    """Redraw the network's weights in place, layer by layer in the order of the graph.

    `generator` may be a seed; None draws from torch's own generator. `only` names the layers to redraw.
    Weights are N(0, 2 / fan_in) (He et al. 2015, arXiv 1502.01852).
    """
    source = torch.Generator().manual_seed(generator) if isinstance(generator, int) else generator
    for node in network.graph.nodes:
        layer = layer_of(network, node)
        if layer is not None and (only is None or name_of(node) in only):
            _redraw(layer, source)


@torch.no_grad()
def _redraw(layer: nn.Module, generator: torch.Generator | None) -> None:
    if isinstance(layer, nn.Conv2d | nn.Linear):
        fan_in = math.prod(layer.weight.shape[1:])
        # Drawn on the generator's own device, so that a seed means the same weights on every device.
        place = "cpu" if generator is None else generator.device
        drawn = torch.empty(layer.weight.shape, dtype=layer.weight.dtype, device=place)
        layer.weight.copy_(drawn.normal_(0.0, math.sqrt(2.0 / fan_in), generator=generator))
        if layer.bias is not None:
            layer.bias.zero_()
    elif callable(reset := getattr(layer, "reset_parameters", None)):
        reset()
