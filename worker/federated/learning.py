"""A client's round of learning, really executed: its own images, at its offloading point, from the weights of the round."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, fx

from worker.datasets import Data, normalise
from worker.federated.dealing import Indices
from worker.federated.flight import Ticket, carried, landed, size
from worker.federated.places import Halves, Place, halves
from worker.federated.sides import DeviceSide, EdgeSide, Terms, filled, lot
from worker.federated.states import State
from worker.training.batches import order
from worker.training.hardware import chosen

Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Pace:
    """How a client's round goes: passes over its images, images a step, and the seed of the run."""

    epochs: int
    batch: int
    seed: int


@dataclass(frozen=True)
class Share:
    """A client and the positions of its training images."""

    client: str
    own: Indices


@dataclass
class Learnt:
    """What a client came to: the whole network's state, and the bytes that its moves took, in their order."""

    state: State
    moved_bytes: list[int]
    losses: list[float]


def draw(pace: Pace, client: str, number: int) -> str:
    """What everything that a client draws by lot in a round comes from."""
    return f"{pace.seed}/{client}/{number}"


def batches_of(data: Data, share: Share, pace: Pace, number: int) -> Iterator[Batch]:
    """The images and labels of a client's round `number`, from 1, in the order in which it sees them."""
    part, own = data.parts["train"], torch.as_tensor(share.own)
    seed = lot("order", str(pace.seed), share.client) % 2**31
    for epoch in range(pace.epochs):
        for some in order(len(own), pace.batch, seed=seed, epoch=(number - 1) * pace.epochs + epoch):
            index = own[some]
            yield normalise(torch.as_tensor(part.images)[index], data), torch.as_tensor(part.labels)[index]


def sizes(count: int, pace: Pace) -> list[int]:
    """How many images each batch of a round has."""
    return [len(some) for epoch in range(pace.epochs) for some in order(count, pace.batch, seed=0, epoch=epoch)]


class Learner:
    """One network that is each client's in turn: what a client leaves behind is copied out of it."""

    def __init__(self, network: fx.GraphModule, data: Data, pace: Pace) -> None:
        self.network, self.data, self.pace = network, data, pace
        self._halves: dict[str, Halves] = {}

    def learn(self, share: Share, number: int, place: Place, terms: Terms, before: State,
              moves: Sequence[int] = ()) -> Generator[float, None, Learnt]:
        """A round of one client; yields the share of its batches that is done. `moves`: behind which batches (from 0) the state
        of the edge server's half goes to another server: packed, and gone on with as it comes out there."""
        # Judging may have left it elsewhere; its halves are the same layers.
        where = chosen()
        filled(self.network.to(where), before)
        parts = self.halves(place)
        words = draw(self.pace, share.client, number)
        device = DeviceSide(parts.device, terms, words)
        edge = EdgeSide(parts.edge, terms, words) if parts.edge is not None else None
        found = Learnt({}, [], [])
        total = len(sizes(len(share.own), self.pace))
        for at, (images, labels) in enumerate(batches_of(self.data, share, self.pace, number)):
            images, labels = images.to(where), labels.to(where)
            if edge is None:
                found.losses.append(device.alone(images, labels))
            else:
                gradient = edge.serve(device.forward(images), labels)
                for _ in range(moves.count(at)):
                    ticket = Ticket(share.client, number, place.after, at, len(share.own), words)
                    edge, gradient = self._moved(edge, ticket, gradient, found)
                found.losses.append(edge.loss)
                device.backward(gradient)
            yield (at + 1) / total
        found.state = device.state() | (edge.state() if edge else {})
        for side in filter(None, (device, edge)):
            side.close()
        return found

    def halves(self, place: Place) -> Halves:
        if place.after not in self._halves:
            self._halves[place.after] = halves(self.network, self.data.in_shape, place.after)
        return self._halves[place.after]

    def _moved(self, edge: EdgeSide, ticket: Ticket, gradient: Tensor, found: Learnt) -> tuple[EdgeSide, Tensor]:
        frame = carried(edge, ticket, gradient)
        found.moved_bytes.append(size(frame))
        edge.close()
        return landed(frame, edge.network, ticket)
