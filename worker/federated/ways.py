"""Ways of a round: at which offloading point each client trains, and what becomes of a client that goes to another edge server.

What is learnt is the same whatever the way, bit for bit, so a run learns once, its first way's, and times them all by the clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from worker.context import Checkpoints
from worker.events import Event
from worker.federated.states import State
from worker.federated.trial import Trial

# Its state goes with it; the round begins anew there; as if it had not moved; it waits until it is back.
OnMove = Literal["migrates", "restarts", "stays", "waits"]


class Chooser:
    """Who says at which offloading point each client trains. Those that remember something say what, and take it back."""

    def begin(self, trial: Trial, checkpoints: Checkpoints) -> Iterator[Event]:
        """Before the first round, and before the first one of a run that goes on."""
        yield from ()

    def choose(self, trial: Trial) -> Sequence[int]:
        """The number of each client's offloading point in the round that the trial is about."""
        raise NotImplementedError

    def saw(self, cuts: Sequence[int], seconds: Sequence[float]) -> None:
        """What a batch of that round took each client."""

    def groups(self, trial: Trial) -> Sequence[int]:
        """Each client's group, from 0, where there are groups."""
        return ()

    def state(self) -> State:
        return {}

    def load(self, state: Mapping[str, Tensor]) -> None:
        pass


@dataclass(frozen=True)
class Way:
    name: str
    chooser: Chooser
    on_move: OnMove = "migrates"

    @property
    def moves_home(self) -> bool:
        """Whether its clients are at their first server again in the next round."""
        return self.on_move in ("stays", "waits")


class Fixed(Chooser):
    """One offloading point for all clients in all rounds; the last one is no offloading: classic federated learning."""

    def __init__(self, cut: int) -> None:
        self._cut = cut

    def choose(self, trial: Trial) -> Sequence[int]:
        return [self._cut % len(trial.places)] * len(trial.fleet.clients)
