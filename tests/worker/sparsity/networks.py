"""Small networks for hand-checked scores, and images for them."""

from __future__ import annotations

import torch
from torch import fx, nn

from worker.dnn.form import trace
from worker.dnn.initialisation import reinitialise
from worker.sparsity.scores import Scores

SHAPE = (2, 6, 6)
Batch = tuple[torch.Tensor, torch.Tensor]


def chain(*, bias: bool = False, norm: bool = True, seed: int = 3) -> fx.GraphModule:
    """Two convolutions and two linear layers, with rectifiers."""
    norms = [nn.BatchNorm2d(5), nn.BatchNorm2d(6)] if norm else [nn.Identity(), nn.Identity()]
    return drawn(nn.Sequential(
        nn.Conv2d(2, 5, 3, padding=1, bias=bias), norms[0], nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(5, 6, 3, padding=1, bias=bias), norms[1], nn.ReLU(), nn.AvgPool2d(3), nn.Flatten(),
        nn.Linear(6, 7, bias=bias), nn.ReLU(), nn.Linear(7, 4, bias=bias)), seed)


def smooth(*, norm: bool = False, seed: int = 4) -> fx.GraphModule:
    """The same without a kink: its gradient has a gradient everywhere."""
    return drawn(nn.Sequential(
        nn.Conv2d(2, 4, 3, bias=not norm), nn.BatchNorm2d(4) if norm else nn.Identity(), nn.Tanh(), nn.AvgPool2d(2), nn.Flatten(),
        nn.Linear(16, 5), nn.Tanh(), nn.Linear(5, 4)), seed)


def drawn(module: nn.Module, seed: int) -> fx.GraphModule:
    """Biases too, for whoever has some."""
    network = trace(module)
    reinitialise(network, seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(0, 0.1, generator=generator)
    return network.double()


def images(count: int = 12, seed: int = 5) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, *SHAPE, generator=generator, dtype=torch.float64), torch.arange(count) % 4


def same_masks(some: dict[str, torch.Tensor], others: dict[str, torch.Tensor]) -> bool:
    return some.keys() == others.keys() and all(torch.equal(some[name], others[name]) for name in some)


def total(scores: Scores) -> float:
    return float(sum(score.sum() for score in scores.values()))
