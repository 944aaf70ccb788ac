"""A training between two epochs as safetensors bytes and JSON: weights, optimiser, random state, what was said."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from safetensors.torch import load, save

from worker.events import Metric
from worker.training.rates import Rates


@dataclass
class History:
    """What a resumed training says again, what it has cost so far, and the rates of the epochs up to the next."""

    rates: Rates
    epoch: int = 0
    seconds: float = 0.0
    metrics: list[Metric] = field(default_factory=list)

    def as_facts(self) -> dict[str, Any]:
        said = [metric.model_dump(mode="json") for metric in self.metrics]
        return {"epoch": self.epoch, "seconds": self.seconds, "metrics": said, "rates": self.rates.given}

    @classmethod
    def from_facts(cls, facts: dict[str, Any]) -> History:
        said = [Metric.model_validate(each) for each in facts["metrics"]]
        return cls(Rates.of(facts["rates"]), facts["epoch"], facts["seconds"], said)


def pack_all(pairs: list[tuple[torch.nn.Module, torch.optim.Optimizer]]) -> bytes:
    """Several modules, each with its optimiser; no random state, where each epoch draws from a seed of its own."""
    tensors = {f"{place}/{name}": tensor for place, pair in enumerate(pairs) for name, tensor in _named(*pair).items()}
    body: bytes = save({name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()})
    return body


def _named(module: torch.nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    return {f"network/{name}": tensor for name, tensor in module.state_dict().items()} | _flat(optimiser)


def unpack_all(body: bytes, pairs: list[tuple[torch.nn.Module, torch.optim.Optimizer]]) -> None:
    tensors = load(body)
    for place, (module, optimiser) in enumerate(pairs):
        own = _under(f"{place}/", tensors)
        module.load_state_dict(_under("network/", own))
        optimiser.load_state_dict({"state": _nested(_under("optimiser/", own)),
                                   "param_groups": optimiser.state_dict()["param_groups"]})


def pack(network: torch.nn.Module, optimiser: torch.optim.Optimizer) -> bytes:
    tensors = _named(network, optimiser) | {f"random/{name}": state for name, state in _random_states().items()}
    # A copy each: safetensors refuses tensors that share memory or are not contiguous.
    body: bytes = save({name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()})
    return body


def unpack(body: bytes, network: torch.nn.Module, optimiser: torch.optim.Optimizer) -> None:
    tensors = load(body)
    network.load_state_dict(_under("network/", tensors))
    optimiser.load_state_dict({"state": _nested(_under("optimiser/", tensors)),
                               "param_groups": optimiser.state_dict()["param_groups"]})
    torch.set_rng_state(tensors["random/cpu"])
    if "random/cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["random/cuda"])


def _random_states() -> dict[str, torch.Tensor]:
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state()
    return states


def _flat(optimiser: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    states: dict[int, dict[str, Any]] = optimiser.state_dict()["state"]
    return {f"optimiser/{index}/{name}": value for index, state in states.items()
            for name, value in state.items() if isinstance(value, torch.Tensor)}


def _nested(flat: dict[str, torch.Tensor]) -> dict[int, dict[str, torch.Tensor]]:
    states: dict[int, dict[str, torch.Tensor]] = {}
    for path, value in flat.items():
        index, name = path.split("/")
        states.setdefault(int(index), {})[name] = value
    return states


def _under(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
