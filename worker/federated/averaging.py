"""One network of many: what the server makes of the clients' weights.

McMahan et al.: "Communication-Efficient Learning of Deep Networks from Decentralized Data", 2017, arXiv 1602.05629 (FedAvg);
Reddi et al.: "Adaptive Federated Optimization", 2021, arXiv 2003.00295 (FedAdam);
Yin et al.: "Byzantine-Robust Distributed Learning", 2018, arXiv 1803.01498 (trimmed mean).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from worker.federated.states import State

# Of fewer there is no middle between two ends.
FEWEST_TRIMMED = 3


@dataclass(frozen=True)
class Update:
    """What a client came to with so many images."""

    client: str
    state: State
    images: int


Averaging = Callable[[State, Sequence[Update]], State]


def fedavg(_before: State, updates: Sequence[Update]) -> State:
    """The mean by images: w = sum n_k w_k / sum n_k, in double precision. Counters are those of the client with most images."""
    total = sum(update.images for update in updates)

    def mean(tensors: Iterable[Tensor]) -> Tensor:
        found: Tensor | float = 0.0
        for update, tensor in zip(updates, tensors, strict=True):
            found = found + (update.images / total) * tensor
        assert isinstance(found, Tensor)
        return found

    return _each(updates, mean)


def trimmed(share: float) -> Averaging:
    """The mean of what is left when `share` of the values at each end are left out, one at least of three or more; every client
    counts alike."""
    from scipy.stats import trim_mean  # takes a second to load, and few ask for it

    def kept(tensors: Iterable[Tensor]) -> Tensor:
        values = torch.stack(list(tensors)).numpy()
        cut = max(int(share * len(values)), int(share > 0 and len(values) >= FEWEST_TRIMMED))
        return torch.from_numpy(np.asarray(trim_mean(values, (cut + 1e-9) / len(values), axis=0)))

    return lambda _before, updates: _each(updates, kept)


def _each(updates: Sequence[Update], of: Callable[[Iterable[Tensor]], Tensor]) -> State:
    """Tensor by tensor, in double precision: no more of that than one tensor of one client need be there at a time."""
    most = max(updates, key=lambda update: update.images).state
    return {name: (of(update.state[name].double() for update in updates).to(like.dtype).reshape(like.shape)
                   if like.is_floating_point() else like.clone()) for name, like in most.items()}


class FedAdam:
    """Adam on the mean difference between what the clients came to and what they began with. `weights`: the names of those that
    are learnt; buffers are averaged."""

    def __init__(self, weights: Sequence[str], rate: float, betas: tuple[float, float] = (0.9, 0.99), tau: float = 1e-3) -> None:
        self._names, self._rate, self._betas, self._tau = list(weights), rate, betas, tau
        self._held: dict[str, Tensor] = {}
        self._adam: torch.optim.Adam | None = None

    def __call__(self, before: State, updates: Sequence[Update]) -> State:
        after = fedavg(before, updates)
        adam = self._begun(before)
        for name in self._names:
            self._held[name].data.copy_(before[name])
            self._held[name].grad = before[name] - after[name]
        adam.step()
        return after | {name: self._held[name].detach().clone() for name in self._names}

    def tensors(self) -> State:
        """What a killed run goes on from."""
        states = self._adam.state_dict()["state"] if self._adam else {}
        return {f"{place}/{name}": value for place, each in states.items() for name, value in each.items()}

    def restore(self, before: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> None:
        if not tensors:
            return
        adam = self._begun(before)
        states: dict[int, dict[str, Tensor]] = {}
        for path, value in tensors.items():
            place, name = path.split("/")
            states.setdefault(int(place), {})[name] = value
        adam.load_state_dict({"state": states, "param_groups": adam.state_dict()["param_groups"]})

    def _begun(self, before: Mapping[str, Tensor]) -> torch.optim.Adam:
        if self._adam is None:
            self._held = {name: before[name].clone().requires_grad_() for name in self._names}
            self._adam = torch.optim.Adam(self._held.values(), lr=self._rate, betas=self._betas, eps=self._tau)
        return self._adam
