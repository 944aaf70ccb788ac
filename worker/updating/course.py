"""Rounds of updates of a deployed network, as more and more data comes in: what the edge holds, and what it was sent.

In each round the server trains with all images it has so far and offers the edge a new version. It is sent when it is at least as
right on the validation part as the one there; the edge never gets a worse one, and the server begins the next round from what the
edge really holds. The test part is looked at by nobody before the numbers are told.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field

import torch
from torch import fx

from worker.context import Checkpoints
from worker.datasets import Data
from worker.events import Event, Log, Metric
from worker.training.accuracy import Score, score
from worker.training.hardware import resting
from worker.training.settings import Settings
from worker.updating.change import Account, make, read
from worker.updating.kept import pack, unpack
from worker.updating.learning import Learner, Meter, State
from worker.updating.rounds import Doubling, images_by_round
from worker.updating.versions import version
from worker.updating.ways import Outcome, Round, Way


@dataclass(frozen=True)
class Plan:
    """`settings.epochs` are those of a round's first step, `tuning_epochs` those after the choice of weights."""

    settings: Settings
    tuning_epochs: int
    first_images: int
    round_images: int
    rounds: int


@dataclass
class Edge:
    """A device that follows one way of updating. `held`: the state it has; `tested`: how right it is, round by round.

    `accounts`: of each round's update, where its bytes went; None where nothing was sent. `updates`: the files themselves.
    """

    way: Way
    held: State
    validated: Score
    doubling: Doubling = field(default_factory=Doubling)
    tested: list[Score] = field(default_factory=list)
    accounts: list[Account | None] = field(default_factory=list)
    updates: dict[int, bytes] = field(default_factory=dict)
    keeps_updates: bool = False

    @property
    def sent_bytes(self) -> int:
        return sum(account.total for account in self.accounts if account)


@dataclass
class Course:
    """All rounds of one network. `exported`: its file on the edge as it was at first, safetensors or ONNX."""

    network: fx.GraphModule
    data: Data
    plan: Plan
    exported: bytes
    initial: State
    edges: list[Edge] = field(default_factory=list)
    said: list[Metric] = field(default_factory=list)
    seconds: float = 0.0
    done: int = 0

    def __post_init__(self) -> None:
        there = len(self.data.parts["train"])
        self.images = images_by_round(self.plan.first_images, self.plan.round_images, self.plan.rounds, there)
        drawn = torch.Generator().manual_seed(self.plan.settings.seed)
        self.order = torch.randperm(there, generator=drawn)
        epochs = self.plan.settings.epochs + self.plan.tuning_epochs
        self.meter = Meter(max(1.0, float(epochs * sum(self.images))))

    def follow(self, ways: Sequence[Way]) -> Generator[Event, None, None]:
        """Every way's edge begins with the first network; the first way's updates are kept as files."""
        found = yield from self._validated(self.initial)
        if not found.n:
            raise ValueError("The data set has no validation part: by it the server decides what is sent to the edge.")
        self.edges = [Edge(way, self.initial, found, keeps_updates=not place and not way.whole)
                      for place, way in enumerate(ways)]
        self.meter.total *= len(ways)
        self.first_score = found

    def rounds(self, checkpoints: Checkpoints, name: str) -> Generator[Event, None, None]:
        """The rounds that are not behind it; a checkpoint after each. What earlier attempts said is said again."""
        yield from self._restored(checkpoints, name)
        for number in range(self.done, len(self.images)):
            begun = time.monotonic()
            for edge in self.edges:
                yield from self._said(self._round(edge, number))
            self.done = number + 1
            self.seconds += time.monotonic() - begun
            self._kept(checkpoints, name)
        resting(self.network)

    def file(self, edge: Edge) -> bytes:
        """The file that the edge holds, byte for byte."""
        return version(self.exported, edge.held)

    def _round(self, edge: Edge, number: int) -> Generator[Event, None, None]:
        anew = edge.way.restart == "always" or (edge.way.restart == "doubled" and edge.doubling.due(self.images[number]))
        start = self.initial if anew else edge.held
        begins_with = self.first_score if anew else edge.validated
        self.network.load_state_dict(start)
        learner = Learner(self.network, self.data, self.plan.settings, known=self.order[: self.images[number]], number=number,
                          meter=self.meter)
        outcome = yield from edge.way.go(Round(learner, begins_with, self.plan.settings.epochs, self.plan.tuning_epochs,
                                               seed=self.plan.settings.seed * len(self.images) + number))
        if anew and number and edge.way.restart == "doubled":
            yield Log(message=f"{edge.way.name}, round {number + 1}: more than twice the images of the last beginning, so it "
                              "began with the first network again.")
        yield from self._sent(edge, outcome, number, anew)

    def _sent(self, edge: Edge, outcome: Outcome, number: int, anew: bool) -> Generator[Event, None, None]:
        """What is better or as good is sent; never what is worse than what is there."""
        account = None
        if outcome.state is not None and outcome.score.correct >= edge.validated.correct:
            fresh = version(self.exported, outcome.state)
            base = self.exported if anew else self.file(edge)
            update = make(base, fresh, blank=edge.way.blank, whole=edge.way.whole)
            edge.held, edge.validated, account = outcome.state, outcome.score, read(update).account
            if edge.keeps_updates:
                edge.updates[number] = update
        else:
            yield Log(message=f"{edge.way.name}, round {number + 1}: nothing was sent; what came out was no better on the "
                              "validation part than what the edge has.")
        edge.accounts.append(account)
        edge.tested.append((yield from self._tested(edge)))
        yield from self._told(edge, account, number)

    def _told(self, edge: Edge, account: Account | None, number: int) -> Generator[Event, None, None]:
        labels: dict[str, str | int | float] = {"variant": edge.way.name}
        numbers = {"edge_accuracy": edge.tested[-1].accuracy, "edge_validation_accuracy": edge.validated.accuracy,
                   "sent_bytes": account.total if account else 0, "sent_in_all_bytes": edge.sent_bytes,
                   "images_known": self.images[number]}
        for name, value in numbers.items():
            yield Metric(name=name, value=value, step=number + 1, labels=labels)

    def _tested(self, edge: Edge) -> Generator[Event, None, Score]:
        self.network.load_state_dict(edge.held)
        return (yield from score(self.network, self.data, "test"))

    def _validated(self, state: State) -> Generator[Event, None, Score]:
        self.network.load_state_dict(state)
        return (yield from score(self.network, self.data, "validation"))

    def _said(self, events: Generator[Event, None, None]) -> Generator[Event, None, None]:
        for event in events:
            if isinstance(event, Metric):
                self.said.append(event)
            yield event

    # What a killed run goes on from

    def _kept(self, checkpoints: Checkpoints, name: str) -> None:
        tensors, facts = pack(self)
        checkpoints.save(name, self.done, tensors, facts)

    def _restored(self, checkpoints: Checkpoints, name: str) -> Generator[Event, None, None]:
        saved = checkpoints.last(name)
        if saved is None:
            return
        unpack(self, saved[1], saved[2])
        yield from self.said
        if self.done < len(self.images):
            yield Log(message=f"It goes on after round {self.done} of {len(self.images)}, from its checkpoint.")
