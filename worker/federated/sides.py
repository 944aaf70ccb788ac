"""The two sides of split training, one batch at a time: what a device does, what an edge server does, what goes between them.

A device runs a batch through the layers it has and sends what comes out, with the labels. The edge server runs that through the
rest, steps, and sends back the gradient of what it was sent; the device goes backwards with it and steps. The numbers are bit for
bit those of training the whole in one place: the graph is the same, it is only cut where one tensor crosses. What a layer draws
by lot (dropout) is seeded by the layer's name, the client, the round and the batch, wherever the layer is.

Wu, Ullah, Harvey, Kilpatrick, Spence, Varghese: "FedAdapt", 2022, arXiv 2107.04271; Ullah, Wu, Harvey, Kilpatrick, Spence,
Varghese: "FedFly", 2022, arXiv 2111.01516.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from worker.federated.states import State

LOTS = nn.Dropout | nn.Dropout1d | nn.Dropout2d | nn.AlphaDropout


@dataclass(frozen=True)
class Terms:
    """How a client's training steps. `proximal`: FedProx's mu, the pull towards the weights that the round began with."""

    rate: float
    momentum: float = 0.9
    weight_decay: float = 0.0
    proximal: float = 0.0


class Side:
    """Some layers, their optimiser, and what they were when the round began. The optimiser is new in every round."""

    def __init__(self, network: nn.Module, terms: Terms, draw: str) -> None:
        self.network, self.terms, self.draw = network, terms, draw
        self.weights = dict(network.named_parameters())
        self.optimiser = torch.optim.SGD(self.weights.values(), lr=terms.rate, momentum=terms.momentum,
                                         weight_decay=terms.weight_decay)
        self.anchor = {name: weight.detach().clone() for name, weight in self.weights.items()} if terms.proximal else {}
        self.batch = 0
        self._hooks = [layer.register_forward_pre_hook(self._seeded(name)) for name, layer in network.named_modules()
                       if isinstance(layer, LOTS)]
        network.train()

    def close(self) -> None:
        """The layers may be another client's from now on."""
        for hook in self._hooks:
            hook.remove()

    def step(self) -> None:
        for name, start in self.anchor.items():
            weight = self.weights[name]
            if weight.grad is not None:
                weight.grad.add_(weight.detach() - start, alpha=self.terms.proximal)
        self.optimiser.step()
        self.batch += 1

    def state(self) -> State:
        """A copy of all weights and buffers, by the names that the whole network has for them."""
        return {name: tensor.detach().cpu().clone() for name, tensor in self.network.state_dict().items()}

    def _seeded(self, layer: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def hook(_module: nn.Module, _given: tuple[Tensor, ...]) -> None:
            torch.manual_seed(lot(self.draw, str(self.batch), layer))

        return hook


def lot(*words: str) -> int:
    """A seed that these words alone decide, on every machine."""
    return int.from_bytes(hashlib.sha256("\0".join(words).encode()).digest()[:7], "little")


class DeviceSide(Side):
    """The first layers of a network, or all of them."""

    def alone(self, images: Tensor, labels: Tensor) -> float:
        """A step without an edge server; the mean loss."""
        self.optimiser.zero_grad(set_to_none=True)
        loss = cross_entropy(self.network(images), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        self.step()
        return float(loss.detach())

    def forward(self, images: Tensor) -> Tensor:
        """What is sent: the result of a batch."""
        self.optimiser.zero_grad(set_to_none=True)
        self._sent: Tensor = self.network(images)
        return dense(self._sent.detach())

    def backward(self, gradient: Tensor) -> None:
        """With the gradient of what was sent: backwards, and a step."""
        if gradient.shape != self._sent.shape:
            raise ValueError(f"The gradient has the shape {tuple(gradient.shape)}; {tuple(self._sent.shape)} was sent.")
        self._sent.backward(gradient)  # type: ignore[no-untyped-call]
        del self._sent
        self.step()


class EdgeSide(Side):
    """The rest of the network for one client: each has a copy of its own."""

    loss = float("nan")

    def serve(self, sent: Tensor, labels: Tensor) -> Tensor:
        """Forwards, backwards, a step; the gradient that goes back, of the shape of what was sent."""
        self.optimiser.zero_grad(set_to_none=True)
        given, came = sent.detach().requires_grad_(), list[Tensor]()
        # As it comes: what is kept in `given.grad` may be laid out anew.
        given.register_hook(came.append)  # type: ignore[no-untyped-call]
        loss = cross_entropy(self.network(given), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        self.step()
        self.loss = float(loss.detach())
        return dense(came[0])


def axes_of(tensor: Tensor) -> list[int]:
    """Its axes in the order in which its memory has them, the slowest first."""
    return sorted(range(tensor.dim()), key=tensor.stride, reverse=True)


def core(tensor: Tensor) -> Tensor:
    """Without what is only said again along an axis: such an axis has one place left."""
    for axis in range(tensor.dim()):
        if tensor.stride(axis) == 0 and tensor.shape[axis]:
            tensor = tensor.narrow(axis, 0, 1)
    return tensor


def dense(tensor: Tensor) -> Tensor:
    """The same numbers, laid out so that they can be sent: in whatever order of axes they are, for another one would be other
    arithmetic."""
    own = core(tensor)
    return tensor if own.permute(axes_of(own)).is_contiguous() else tensor.contiguous()


def filled(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Give the layers that are here their part of a whole network's state."""
    own = network.state_dict()
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(state[name])
