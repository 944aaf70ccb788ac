"""Scores that look at data: SNIP and GraSP, from gradients of the cross-entropy at the weights as they are.

Batch-norm works with each batch's own statistics meanwhile, and its running ones are put back; dropout is off, so that the
same images give the same scores.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Protocol

import torch
from torch import fx, nn
from torch.nn.functional import cross_entropy

from worker.dnn.spec import module_at
from worker.sparsity.bending import bending
from worker.sparsity.scores import Scores
from worker.training.batches import Batch

TEMPERATURE = 200.0
HAIR = 1e-10
Tensors = tuple[torch.Tensor, ...]


class Batches(Protocol):
    """Images and labels, batch by batch, as often as they are asked for."""

    def __iter__(self) -> Iterator[Batch]: ...

    def __len__(self) -> int: ...


def snip(network: fx.GraphModule, names: Collection[str], batches: Batches, *, per_batch: bool = False) -> Scores:
    """|w * dL/dw|, the total being 1: how much the loss feels a weight go (Lee et al. 2018, arXiv 1810.02340).

    The gradient is that of all batches together. `per_batch` adds up each batch's own scores instead, as others do.
    """
    weights = weights_of(network, names)
    with scoring(network):
        gradients = (gradient(network, weights, batch) for batch in batches)
        found = _added(map(_felt, gradients, _again(weights))) if per_batch else _felt(_added(gradients), weights)
    return _named(names, _shares(found, float(_total(found))))


def grasp(
    network: fx.GraphModule, names: Collection[str], batches: Batches, *,
    temperature: float = TEMPERATURE, absolute: bool = False,
) -> Scores:
    """w * Hg, its absolute total being 1: whether the gradient's flow needs a weight (Wang et al. 2020, arXiv 2002.07376).

    H is the Hessian of the loss of answers / `temperature`, g its gradient. `absolute` ranks by |w * Hg|.
    """
    weights = weights_of(network, names)
    with scoring(network):
        found = tuple(torch._foreach_mul(bent(network, weights, batches, temperature), _plain(weights)))
    shares = _shares(found, abs(float(_total(found))) + HAIR)
    if absolute:
        torch._foreach_abs_(shares)
    return _named(names, shares)


def bent(network: fx.GraphModule, weights: Tensors, batches: Batches, temperature: float = TEMPERATURE) -> Tensors:
    """Hg by going backwards through the gradient. One batch is run forwards once; of several, each needs the gradient of all."""
    network = bending(network)
    if len(batches) == 1:
        own = gradient(network, weights, next(iter(batches)), temperature, graph=True)
        return torch.autograd.grad(_product(own, _plain(own)), weights)
    whole = _added(gradient(network, weights, batch, temperature) for batch in batches)
    parts = (gradient(network, weights, batch, temperature, graph=True) for batch in batches)
    return _added(torch.autograd.grad(_product(part, whole), weights) for part in parts)


def gradient(
    network: fx.GraphModule, weights: Tensors, batch: Batch, temperature: float = 1.0, *, graph: bool = False,
) -> Tensors:
    """Of the loss summed over the batch: batches of unequal size add up to what they are together."""
    images, labels = batch
    loss = cross_entropy(network(images) / temperature, labels, reduction="sum")
    return torch.autograd.grad(loss, weights, create_graph=graph)


def _product(some: Tensors, others: Tensors) -> torch.Tensor:
    # One number to go back from: a gradient handed to `grad` beside its outputs would load SymPy, a second on a slow machine.
    return torch.stack([torch.dot(one.flatten(), other.flatten()) for one, other in zip(some, others, strict=True)]).sum()


def weights_of(network: fx.GraphModule, names: Iterable[str]) -> Tensors:
    """The weights of the layers of these names, in their order."""
    return tuple(module_at(network, name).weight for name in names)  # type: ignore[misc]


@contextmanager
def scoring(network: nn.Module) -> Iterator[None]:
    """Batch-norm as in training, the rest as in use; modes and running statistics are put back afterwards."""
    modes = {layer: layer.training for layer in network.modules()}
    kept = {buffer: buffer.clone() for buffer in network.buffers()}
    network.eval()
    for layer in modes:
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.train()
    try:
        yield
    finally:
        for layer, mode in modes.items():
            layer.training = mode
        with torch.no_grad():
            for buffer, before in kept.items():
                buffer.copy_(before)


def _felt(gradients: Tensors, weights: Tensors) -> Tensors:
    found = torch._foreach_mul(gradients, _plain(weights))
    torch._foreach_abs_(found)
    return tuple(found)


def _again(weights: Tensors) -> Iterator[Tensors]:
    while True:
        yield weights


def _added(parts: Iterable[Tensors]) -> Tensors:
    each = iter(parts)
    total = next(each)
    for part in each:
        torch._foreach_add_(total, part)
    return total


def _plain(tensors: Tensors) -> Tensors:
    return tuple(tensor.detach() for tensor in tensors)


def _total(tensors: Tensors) -> torch.Tensor:
    return torch.stack([tensor.sum(dtype=torch.float64) for tensor in tensors]).sum()


def _shares(tensors: Tensors, total: float) -> Tensors:
    """Each as a part of the total; nothing is divided by zero, nor by what is no number: whoever selects says so."""
    if total:
        torch._foreach_div_(tensors, total)
    return tensors


def _named(names: Iterable[str], tensors: Tensors) -> Scores:
    return dict(zip(names, tensors, strict=True))
