"""SynFlow: which weights carry the flow of ones through the network; no data, and no layer runs dry (arXiv 2006.05467).

A hundred rounds must cost little more than a hundred times forwards and backwards. So all weights lie in one buffer that the
network's layers look into, no array of scores is ever written, and only what dies in a round is touched.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import fx, nn

from worker.dnn.shapes import Shape
from worker.dnn.spec import module_at
from worker.sparsity.flowing import flowing
from worker.sparsity.living import Living
from worker.sparsity.masks import Masks
from worker.sparsity.scores import Scores, inverted
from worker.sparsity.selection import Scope, select

CPU = torch.device("cpu")
ROUNDS = 100


class Flow:
    """The flowing twin of a network (see `flowing`), with the weights of the named layers in one buffer."""

    def __init__(
        self, network: fx.GraphModule, names: Iterable[str], in_shape: Shape, *,
        dtype: torch.dtype = torch.float64, device: torch.device = CPU,
    ) -> None:
        self.names = list(names)
        self.network = flowing(network).to(device=device, dtype=dtype)
        self.ones = torch.ones(1, *in_shape, dtype=dtype, device=device)
        layers = [module_at(self.network, name) for name in self.names]
        given = [cast("torch.Tensor", layer.weight).detach() for layer in layers]
        self.shapes = [weight.shape for weight in given]
        self.pool = torch.cat([weight.flatten() for weight in given])
        self.weights = [nn.Parameter(part.view(shape)) for part, shape in zip(self._parts(self.pool), self.shapes, strict=True)]
        for layer, weight in zip(layers, self.weights, strict=True):
            layer.weight = weight

    def gradients(self) -> tuple[torch.Tensor, ...]:
        """Of all that comes out, by each weight."""
        total = self.network(self.ones).sum()
        if not bool(torch.isfinite(total)):
            raise ValueError("What flows through the network is no finite number: its weights are not, or are too large for "
                             "its depth.")
        return torch.autograd.grad(total, self.weights, materialize_grads=True)

    def scores(self) -> Scores:
        """w * dR/dw of every weight, from nothing up."""
        return {name: weight.detach() * part
                for name, weight, part in zip(self.names, self.weights, self.gradients(), strict=True)}

    @torch.no_grad()
    def kill(self, places: NDArray[np.intp]) -> None:
        """Those weights are zero from now on."""
        if self.pool.device != CPU:  # there the buffer that was cut is this one
            self.pool[torch.from_numpy(places).to(self.pool.device)] = 0

    @torch.no_grad()
    def keep(self, masks: Masks) -> None:
        for name, weight in zip(self.names, self.weights, strict=True):
            weight.mul_(masks[name].to(weight.device))

    def named(self, flat: torch.Tensor) -> dict[str, torch.Tensor]:
        """One number for each weight, in a row, as tensors of the layers' shapes."""
        return {name: part.view(shape).clone()
                for name, part, shape in zip(self.names, self._parts(flat), self.shapes, strict=True)}

    def _parts(self, flat: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return torch.split(flat, [shape.numel() for shape in self.shapes])


def synflow(
    network: fx.GraphModule, names: Iterable[str], in_shape: Shape, *,
    dtype: torch.dtype = torch.float64, device: torch.device = CPU,
) -> Scores:
    """|w * dR/dw| of the network as it is, R being what comes out of it when ones go in; the network is left alone."""
    return {name: score.cpu() for name, score in Flow(network, names, in_shape, dtype=dtype, device=device).scores().items()}


def rounds(flow: Flow, densities: Sequence[float]) -> Iterator[Living]:
    """Score, prune to the next density, and again; yields who lives after each round."""
    living = Living(flow.pool.cpu().numpy(), [shape.numel() for shape in flow.shapes])
    for density in densities:
        dead = living.cut([part.cpu().numpy().ravel() for part in flow.gradients()], round(density * living.alive.size))
        flow.kill(dead)
        yield living


def ranked(flow: Flow, densities: Sequence[float], scope: Scope, *, invert: bool = False) -> Iterator[Masks]:
    """The same, ranking all scores in full: layer by layer, or the lowest first."""
    masks: Masks | None = None
    for density in densities:
        scores = flow.scores()
        masks = select(inverted(scores) if invert else scores, masks, density=density, scope=scope)
        flow.keep(masks)
        yield masks


def masks_of(flow: Flow, living: Living) -> Masks:
    return flow.named(torch.from_numpy(living.alive))
