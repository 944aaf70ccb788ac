"""What a client with a fault sends: other weights, or its own under an old round's number, or twice."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from worker.federated.states import State


def mangled(fault: str, number: int, state: State) -> list[tuple[int, State]]:
    """Round and weights of each message that comes, in their order."""
    match fault:
        case "sends NaN":
            return [(number, _with(state, lambda tensor: torch.full_like(tensor, torch.nan)))]
        case "sends wrong shapes":
            return [(number, _with(state, lambda tensor: tensor.reshape(-1)[:-1]))]
        case "sends an old round":
            return [(number - 1, state)]
        case "sends twice":
            return [(number, state), (number, state)]
    return [(number, state)]


def _with(state: State, change: Callable[[Tensor], Tensor]) -> State:
    """One tensor, the first with numbers, made another."""
    name = next(name for name, tensor in state.items() if tensor.is_floating_point() and tensor.numel())
    return state | {name: change(state[name])}
