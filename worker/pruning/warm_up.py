"""A short training before pruning: what is pruned then are weights that have learned something."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace

import torch

from worker.context import Checkpoints
from worker.events import Event, Log
from worker.profiling.opening import Opened
from worker.pruning.terms import Terms
from worker.training.loop import Leg, Share, Trained, train
from worker.wording import counted

NAME = "warm-up"


@dataclass(frozen=True)
class Warmed:
    """What is pruned. `initial`: the tensors before the warm-up, and `trained` what that was; neither without one."""

    opened: Opened
    initial: Mapping[str, torch.Tensor] = field(default_factory=dict)
    trained: Trained | None = None


def warm_up(
    given: Opened, terms: Terms, checkpoints: Checkpoints, *, variant: str, share: Share,
) -> Generator[Event, None, Warmed]:
    """Train the whole network for the epochs of the warm-up, in place; killed half way, it goes on from its checkpoint."""
    initial = {name: tensor.detach().clone() for name, tensor in given.network.state_dict().items()}
    yield Log(message=f"Short training first: {counted(terms.warm_up, 'epoch')} of the whole network before it is pruned.")
    trained = yield from train(given.network, given.data, terms.whole, variant=variant, checkpoints=checkpoints,
                               share=share, leg=Leg(until=terms.warm_up, name=NAME))
    given.network.zero_grad(set_to_none=True)
    return Warmed(replace(given, trained=True), initial, trained)
