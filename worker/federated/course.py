"""Rounds of federated learning: the learning really executed, the time that it would take on these devices emulated by the clock.

In each round the server sends the weights, every client that takes part trains on its own images at its offloading point, and
the server makes one network of what comes back in time and can be averaged. The way that a run is about decides what is learnt
from whom; others are timed beside it under the same conditions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import fx

from worker.context import Checkpoints
from worker.datasets import Data
from worker.events import Event, Log, Metric
from worker.federated import telling
from worker.federated.averaging import Averaging
from worker.federated.clock import Spent
from worker.federated.dealing import Indices
from worker.federated.gathering import Gathering
from worker.federated.keeping import Memory, pack, unpack
from worker.federated.learning import Learner, Learnt, Pace, Share, sizes
from worker.federated.mischief import mangled
from worker.federated.places import Place
from worker.federated.round_clock import Between, Moving, Takes, takes
from worker.federated.sides import Terms, lot
from worker.federated.states import State, state_of
from worker.federated.trial import Trial
from worker.federated.ways import Way
from worker.planning import rates_changed
from worker.planning.fleet import Fleet
from worker.planning.fleets import Fault, Move, Rate
from worker.profiling.pulse import Pulse
from worker.training.accuracy import Score, score

NEIGHBOURS = Between(1000.0, 1.0, 0.0)
CHECKPOINT, CONDITIONS = "rounds", "conditions"


@dataclass(frozen=True)
class Plan:
    """`terms.rate` is a tenth from the round on that lies behind `drop_after` of all. `taking_part`: the share of the clients
    that is drawn for each round. `noise`: spread of how long a client computes, as a share. `patience`: how many times what the
    slowest was predicted to take is waited for who is missing."""

    rounds: int
    pace: Pace
    terms: Terms
    drop_after: float = 0.5
    taking_part: float = 1.0
    patience: float = 1.5
    noise: float = 0.0
    between: Between = NEIGHBOURS

    def rate(self, number: int, given: float) -> float:
        """Of round `number`, where so much is given."""
        return given * (0.1 if number > math.ceil(self.drop_after * self.rounds) else 1.0)


@dataclass(frozen=True)
class Weather:
    """What changes from round to round: bandwidths as planned, who moves, what goes wrong, and which bandwidths and learning rate
    a person wants now."""

    rates: tuple[Rate, ...] = ()
    moves: tuple[Move, ...] = ()
    faults: tuple[Fault, ...] = ()
    now: Callable[[], Sequence[Rate]] = tuple
    learning_rate: Callable[[], float] | None = None

    def mbps(self, number: int, wanted: Sequence[Rate]) -> dict[str, float]:
        """By client, of those that differ from what was typed of them. What a person wants now goes before what was planned."""
        return {each.client: each.mbps for each in (*self.rates, *wanted) if each.first <= number <= each.last}


@dataclass
class Course:
    """All rounds of a run. `parts`: the positions of each client's training images. `clock`: what kind of seconds they take."""

    clock: ClassVar[str] = "emulated"
    network: fx.GraphModule
    data: Data
    fleet: Fleet
    places: tuple[Place, ...]
    parts: list[Indices]
    plan: Plan
    ways: Sequence[Way]
    averaging: Averaging
    weather: Weather = field(default_factory=Weather)
    # What was said since the last checkpoint.
    said: list[Metric] = field(default_factory=list)
    done: int = 0
    seconds: dict[str, float] = field(default_factory=dict)
    refused: int = 0
    lost: int = 0
    homes: dict[str, str] = field(default_factory=dict)
    # Each client's group in the round just timed, where its way groups them.
    groups: Sequence[int] = ()
    # What each client's round was done under the last time, of those that are shown: what changes is said beside it.
    stood: dict[str, telling.Stood] = field(default_factory=dict)
    # The round from which on links are as they are.
    links_since: int = 0
    # As it was settled for the round at hand.
    learning_rate: float = field(init=False)

    def __post_init__(self) -> None:
        self.state: State = state_of(self.network)
        self.learning_rate = self.plan.terms.rate
        self.learner = Learner(self.network, self.data, self.plan.pace)
        self.sizes = {number: sizes(len(part), self.plan.pace) for number, part in enumerate(self.parts)}
        self.pulse = Pulse()

    def rounds(self, checkpoints: Checkpoints) -> Generator[Event, None, None]:
        """The rounds that are not behind it; a checkpoint after each. What earlier attempts said is said again."""
        chooser, saved = self.ways[0].chooser, checkpoints.last(CHECKPOINT)
        kept, memory = unpack(self, saved[1], saved[2]) if saved else {}, Memory(checkpoints)
        yield from memory.recall(self.done) if saved else ()
        yield from chooser.begin(self.trial(1, (), is_home=True), checkpoints)
        if saved:
            chooser.load(kept)
            yield Log(message=f"Going on after round {self.done} of {self.plan.rounds}, from its checkpoint.")
        else:
            yield from self._heard(telling.accuracy(self, 0, (yield from self._validated())))
        for number in range(self.done + 1, self.plan.rounds + 1):
            wanted = yield from self._wanted(number, checkpoints)
            yield from self._heard((yield from self._round(number, wanted)))
            self.done = number
            memory.keep(number, self.said)
            self.said.clear()
            tensors, facts = pack(self)
            checkpoints.save(CHECKPOINT, number, tensors, facts)
            yield telling.progress(self, number)

    def trial(self, number: int, wanted: Sequence[Rate], *, is_home: bool = False) -> Trial:
        """The conditions of a round. `is_home`: every client at the server that it was typed at."""
        slow = {who.name: self._slowness(who.name, number) for who in self.fleet.clients} if self.plan.noise else {}
        fleet = self.fleet if is_home else self.fleet.at(self.homes)
        return Trial(fleet, self.places, self.plan.pace.batch, self.weather.mbps(number, wanted), slow, self.sizes)

    def _slowness(self, client: str, number: int) -> float:
        draw = np.random.default_rng(lot("noise", str(self.plan.pace.seed), client, str(number)))
        return float(np.exp(self.plan.noise * draw.standard_normal()))

    def _wanted(self, number: int, checkpoints: Checkpoints) -> Generator[Event, None, list[Rate]]:
        """What a person wants of this round, settled before it is used: an attempt that was killed in the round used it."""
        known = checkpoints.last(CONDITIONS)
        if known is None or known[0] != number:
            wanted: list[Any] = [[each.client, each.mbps] for each in self.weather.now()]
            rate = self.weather.learning_rate() if self.weather.learning_rate else self.plan.terms.rate
            was = known[2]["rates"] if known else []
            checkpoints.save(CONDITIONS, number, b"", {"rates": wanted, "before": was, "learning_rate": rate})
            if rate != (before := known[2]["learning_rate"] if known else self.plan.terms.rate):
                yield Log(message=f"The learning rate is {rate:g} from round {number} on; it was set to {before:g}.")
            self.learning_rate = rate
            if wanted != was:
                said = ", ".join(f"{client} {mbps:g} Mbit/s" for client, mbps in wanted) or "all links as planned"
                yield Log(message=f"From round {number} on: {said}.")
        else:
            wanted, self.learning_rate = known[2]["rates"], float(known[2]["learning_rate"])
            was = known[2].get("before", wanted)
        yield from self._heard([*rates_changed.told(number, dict(wanted), dict(was))])
        return [Rate(str(client), float(mbps)) for client, mbps in wanted]

    def _round(self, number: int, wanted: Sequence[Rate]) -> Generator[Event, None, list[Event]]:
        """Learn, gather, time; what there is to say is said by the caller, all at once."""
        present, trial = self._present(number), self.trial(number, wanted)
        vanished = {place: len(self.sizes[place]) // 2 for place in present if self._fault(place, number) == "vanishes"}
        moving = self._moving(number, vanished)
        conditions = [self.trial(number, wanted, is_home=way.moves_home) for way in self.ways]
        cuts = [way.chooser.choose(there) for way, there in zip(self.ways, conditions, strict=True)]
        self.groups = self.ways[0].chooser.groups(trial)
        gathering = Gathering(number, {self._name(place): len(self.parts[place]) for place in present}, self.state)
        timed, moving = yield from self._executed(number, present, cuts, conditions, moving, vanished, gathering)
        self.state = gathering.averaged(self.averaging)
        self.refused += len(gathering.refused)
        self.lost += len(timed[0].late)
        self._settle(moving, timed)
        self.ways[0].chooser.saw(cuts[0], self._batch_seconds(trial, cuts[0], timed[0]))
        return [*telling.turned(self, number, trial, cuts[0]),
                *telling.round_said(self, number, trial, timed, moving, gathering),
                *telling.accuracy(self, number, (yield from self._validated()))]

    def _executed(self, number: int, present: Sequence[int], cuts: Sequence[Sequence[int]], conditions: Sequence[Trial],
                  moving: Sequence[Moving], vanished: Mapping[int, int], gathering: Gathering,
                  ) -> Generator[Event, None, tuple[list[Takes], list[Moving]]]:
        """Learn and gather; what the round took each way, and what its moves carried. `cuts` and `conditions`: of each way;
        `vanished`: behind which batch each one does who vanishes."""
        found, moved = yield from self._learnt(number, [place for place in present if place not in vanished], cuts[0], moving)
        moving = [Moving(move.client, move.after, move.edge, moved.get(move.client, 0)) for move in moving]
        timed = [takes(way, chosen, there, present, self.sizes, moving, self.plan.between, vanished, self.plan.patience)
                 for way, chosen, there in zip(self.ways, cuts, conditions, strict=True)]
        for place, state in found.items():
            if place not in timed[0].late:
                self._taken(gathering, place, number, state)
        return timed, moving

    def _batch_seconds(self, trial: Trial, cuts: Sequence[int], _took: Takes) -> Sequence[float]:
        """What a batch of the round took each client."""
        return trial.seconds(cuts)

    def link_mbps(self, trial: Trial, place: int) -> float | None:
        """A client's bandwidth in a round as it was typed or changed; None where its link is what it is."""
        return trial.mbps()[place]

    def waited(self, seconds: float) -> str:
        """How long the server waited for who is late, in words."""
        return f"{seconds:.3g} s, {self.plan.patience:g} times what the slowest was predicted to take"

    def link_bytes(self, trial: Trial, place: int, cut: int, spent: Spent) -> int:
        """What went over a client's link in a round."""
        return telling.link_bytes(self, trial, place, cut, spent)

    def terms(self, number: int) -> Terms:
        """How clients step in a round."""
        return replace(self.plan.terms, rate=self.plan.rate(number, self.learning_rate))

    def _present(self, number: int) -> list[int]:
        """Who takes part: all, or as many as were asked for, by lot."""
        count = max(1, round(self.plan.taking_part * len(self.parts)))
        if count == len(self.parts):
            return list(range(count))
        draw = np.random.default_rng(lot("present", str(self.plan.pace.seed), str(number)))
        return sorted(int(each) for each in draw.choice(len(self.parts), count, replace=False))

    def _moving(self, number: int, vanished: Container[int]) -> list[Moving]:
        """Moves of this round by the batch behind which they come: at 0 % behind the first, at 100 % behind the last. Who
        vanishes goes nowhere, and nobody goes where it is."""
        found, homes = list[Moving](), {who.name: who.edge for who in self.fleet.at(self.homes).clients}
        for move in self.weather.moves:
            place = self.number_of(move.client)
            if move.number == number and place not in vanished and homes[move.client] != move.edge:
                count = len(self.sizes[place])
                found.append(Moving(move.client, min(count - 1, max(0, math.ceil(move.part * count) - 1)), move.edge, 0))
                homes[move.client] = move.edge
        return found

    def _learnt(self, number: int, present: Sequence[int], cuts: Sequence[int], moving: Sequence[Moving],
                ) -> Generator[Event, None, tuple[dict[int, State], dict[str, int]]]:
        terms = self.terms(number)
        found, moved = dict[int, State](), dict[str, int]()
        for done, place in enumerate(present):
            name, cut = self._name(place), self.places[cuts[place]]
            after = [move.after for move in moving if move.client == name] if self.ways[0].on_move == "migrates" else []
            course = self.learner.learn(Share(name, self.parts[place]), number, cut, terms, self.state, after)
            learnt = yield from self._watched(course, number, done, len(present))
            found[place] = learnt.state
            if learnt.moved_bytes:
                moved[name] = learnt.moved_bytes[-1]
        return found, moved

    def _watched(self, course: Generator[float, None, Learnt], number: int, done: int, count: int,
                 ) -> Generator[Event, None, Learnt]:
        while True:
            try:
                part = next(course)
            except StopIteration as end:
                learnt: Learnt = end.value
                return learnt
            if self.pulse.due():
                yield telling.progress(self, number - 1 + (done + part) / count)

    def _taken(self, gathering: Gathering, place: int, number: int, state: State) -> None:
        name, fault = self._name(place), self._fault(place, number)
        images = len(self.parts[place])
        for said, sent in mangled(fault, number, state):
            gathering.take(name, said, sent, images)

    def _settle(self, moving: Sequence[Moving], timed: Sequence[Takes]) -> None:
        """Who moved stays where it went; each way's clock goes on."""
        self.homes |= {move.client: move.edge for move in moving}
        for each in timed:
            self.seconds[each.way] = self.seconds.get(each.way, 0.0) + each.seconds

    def _validated(self) -> Generator[Event, None, Score]:
        self.network.load_state_dict(self.state)
        return (yield from score(self.network, self.data, "validation"))

    def _heard(self, events: Sequence[Event]) -> Generator[Event, None, None]:
        for event in events:
            if isinstance(event, Metric):
                self.said.append(event)
            yield event

    def _name(self, place: int) -> str:
        return self.fleet.clients[place].name

    def number_of(self, client: str) -> int:
        return next(place for place, who in enumerate(self.fleet.clients) if who.name == client)

    def _fault(self, place: int, number: int) -> str:
        name = self._name(place)
        return next((each.what for each in self.weather.faults if each.client == name and each.first <= number <= each.last), "")


def settled(network: fx.GraphModule) -> fx.GraphModule:
    """On the CPU and laid out as messages are: another layout would be other arithmetic on the other side."""
    moved: fx.GraphModule = network.cpu().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return moved
