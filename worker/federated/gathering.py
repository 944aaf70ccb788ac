"""What the server does with the weights that come: each client counts once a round, with what can be averaged, or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from worker.federated.averaging import Averaging, Update
from worker.federated.states import State, faults

ACCEPTED = ""
STALE = "it was of round {got}, and this is round {now}"
TWICE = "it came a second time"
STRANGER = "nobody of that name takes part in this round"
IMAGES = "it says that it rests on {got:,} images, and {dealt:,} were dealt to it"


@dataclass
class Gathering:
    """A round's updates. `expected`: who takes part, with how many images."""

    number: int
    expected: Mapping[str, int]
    before: State
    updates: dict[str, Update] = field(default_factory=dict)
    refused: list[tuple[str, str]] = field(default_factory=list)

    def take(self, client: str, number: int, state: Mapping[str, Tensor], images: int) -> str:
        """Why it is not taken, in words; empty where it is."""
        why = self._why_not(client, number, state, images)
        if why:
            self.refused.append((client, why))
        else:
            self.updates[client] = Update(client, dict(state), images)
        return why

    @property
    def missing(self) -> list[str]:
        """From whom nothing came, good or bad."""
        heard = {*self.updates, *(client for client, _ in self.refused)}
        return [client for client in self.expected if client not in heard]

    def averaged(self, averaging: Averaging) -> State:
        """The network after the round, whoever came first; as it was where nobody sent what counts."""
        found = [self.updates[client] for client in self.expected if client in self.updates]
        return averaging(self.before, found) if found else self.before

    def _why_not(self, client: str, number: int, state: Mapping[str, Tensor], images: int) -> str:
        if client not in self.expected:
            return STRANGER
        if number != self.number:
            return STALE.format(got=number, now=self.number)
        if client in self.updates:
            return TWICE
        if images != self.expected[client]:
            return IMAGES.format(got=images, dealt=self.expected[client])
        return faults(state, self.before)
