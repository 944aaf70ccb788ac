"""The agent: proximal policy optimisation of small networks (Schulman et al., 2017, arXiv 1707.06347), as FedAdapt uses it.

An action is a number for each group, normally distributed round what the actor says, with a spread that follows a schedule and
is not learned. It is not clipped: the mapping to offloading points takes any number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn

from worker.federated.adapt.bench import Floats
from worker.federated.adapt.knobs import Knobs
from worker.federated.adapt.observing import size_of

# Keeps the division of returns that are all alike.
LEAST_DEVIATION = 1e-5
ADAM, DRAWS, UPDATES = "adam", "draws", "updates"


class Step(NamedTuple):
    """One round as the agent remembers it: what it saw, [inputs], and did, [groups], and what came of it."""

    seen: Tensor
    action: Tensor
    reward: float
    done: bool


class Agent:
    """`groups`: how many numbers an action has. The same knobs make the same agent: it draws from a generator of its own."""

    def __init__(self, groups: int, knobs: Knobs) -> None:
        self.groups, self.knobs, self.updates = groups, knobs, 0
        self.draws = torch.Generator().manual_seed(knobs.seed)
        inputs = size_of(groups, knobs)
        self.actor = nn.Sequential(*_layers((inputs, *knobs.hidden, groups), self.draws), nn.Sigmoid())
        self.critic = nn.Sequential(*_layers((inputs, *knobs.hidden, 1), self.draws))
        weights = [*self.actor.parameters(), *self.critic.parameters()]
        # Fused: 2,500 steps of so small networks take a third less time than tensor by tensor.
        self.optimiser = torch.optim.Adam(weights, lr=knobs.rate, betas=knobs.betas, fused=True)

    @property
    def spread(self) -> float:
        """The standard deviation of its actions now."""
        return self.knobs.spread_after(self.updates)

    def explore(self, seen: Floats) -> Tensor:
        """[groups] a drawn action."""
        return self._mean(seen) + self.spread * torch.randn(self.groups, generator=self.draws)

    def exploit(self, seen: Floats) -> Floats:
        """[groups] the action in the middle of what it would draw, in (0, 1): what a trained agent does."""
        return self._mean(seen).double().numpy()

    def update(self, steps: list[Step]) -> None:
        """Learn from these steps, in the order in which they were made, actions drawn by `explore` since the last update."""
        seen, actions = torch.stack([step.seen for step in steps]), torch.stack([step.action for step in steps])
        returns = standardised(returns_of(steps, self.knobs.discount))
        with torch.no_grad():
            before = self._log_density(seen, actions)
        for _ in range(self.knobs.epochs_an_update):
            self.optimiser.zero_grad()
            torch.autograd.backward(self._loss(seen, actions, returns, before))
            self.optimiser.step()
        self.updates += 1

    def _loss(self, seen: Tensor, actions: Tensor, returns: Tensor, before: Tensor) -> Tensor:
        values: Tensor = self.critic(seen).squeeze(1)
        advantage = returns - values.detach()
        ratio = (self._log_density(seen, actions) - before).exp()
        clipped = ratio.clamp(1 - self.knobs.clip, 1 + self.knobs.clip)
        gain = torch.minimum(ratio * advantage, clipped * advantage).mean()
        return self.knobs.value_weight * (values - returns).square().mean() - gain

    def _log_density(self, seen: Tensor, actions: Tensor) -> Tensor:
        """[steps] up to a constant, which a ratio of two does not have."""
        mean: Tensor = self.actor(seen)
        return ((actions - mean) / self.spread).square().sum(dim=1) / -2

    @torch.no_grad()
    def _mean(self, seen: Floats) -> Tensor:
        mean: Tensor = self.actor(torch.from_numpy(seen).float())
        return mean

    def state(self) -> dict[str, Tensor]:
        """All that a restart needs, by names that safetensors takes."""
        found = {f"{part}.{name}": weight.clone() for part, net in self._nets() for name, weight in net.state_dict().items()}
        for place, kept in self.optimiser.state_dict()["state"].items():
            found |= {f"{ADAM}.{place}.{name}": value.clone() for name, value in kept.items()}
        return found | {DRAWS: self.draws.get_state(), UPDATES: torch.tensor(self.updates)}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Go on where the agent that told this `state` was; it had the same knobs and groups."""
        for part, net in self._nets():
            net.load_state_dict(_under(part, state))
        adam = self.optimiser.state_dict()
        adam["state"] = {place: kept for place in range(len(adam["param_groups"][0]["params"]))
                         if (kept := {name: value.clone() for name, value in _under(f"{ADAM}.{place}", state).items()})}
        self.optimiser.load_state_dict(adam)
        self.draws.set_state(state[DRAWS])
        self.updates = int(state[UPDATES])

    def _nets(self) -> tuple[tuple[str, nn.Module], ...]:
        return ("actor", self.actor), ("critic", self.critic)


def _under(part: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(f"{part}."): value for name, value in state.items() if name.startswith(f"{part}.")}


def returns_of(steps: list[Step], discount: float) -> Tensor:
    """[steps] the discounted sum of rewards from each step to the end of its episode, or of the steps."""
    returns, ahead = [], 0.0
    for step in reversed(steps):
        ahead = step.reward + (0 if step.done else discount * ahead)
        returns.append(ahead)
    return torch.tensor(returns[::-1])


def standardised(values: Tensor) -> Tensor:
    """Of mean 0 and deviation 1; zeros where all are alike."""
    return (values - values.mean()) / (values.std() + LEAST_DEVIATION)


def _layers(sizes: tuple[int, ...], draws: torch.Generator) -> list[nn.Module]:
    """Linear layers with tanh between them."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Tanh()] if layers else []
        layers.append(_linear(inputs, outputs, draws))
    return layers


@torch.no_grad()
def _linear(inputs: int, outputs: int, draws: torch.Generator) -> nn.Linear:
    """As torch begins one, but drawn from a generator of the caller's."""
    layer = nn.Linear(inputs, outputs, device="meta").to_empty(device="cpu")
    for weight in layer.parameters():
        weight.uniform_(-1 / math.sqrt(inputs), 1 / math.sqrt(inputs), generator=draws)
    return layer
