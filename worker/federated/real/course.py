"""Rounds over real processes in place of emulated ones: the same rounds, weights and events, with seconds that were measured.

    course = RealCourse(network, data, fleet, places, parts, plan, ways, averaging, weather, real=Real(dataset, folder))
    yield from course.rounds(checkpoints)

Devices and edge servers compute as fast as this computer does, whatever speeds were typed; links are emulated, those to boards
only where a bandwidth was changed. Only the way that the run is about is gone: a second one would be another run.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from worker.context import Checkpoints, DatasetInput
from worker.dnn import files
from worker.events import Event, Log, Progress
from worker.federated import telling
from worker.federated.clock import Spent
from worker.federated.course import Course
from worker.federated.gathering import Gathering
from worker.federated.learning import Pace
from worker.federated.places import Place
from worker.federated.real.boards import BoardCrew
from worker.federated.real.bridge import Member
from worker.federated.real.crew import Crew, Link
from worker.federated.real.running import Part, Running
from worker.federated.real.setup import DEVICE, Setup
from worker.federated.real.watching import Watch
from worker.federated.real.words import Going, Work
from worker.federated.round_clock import Moving, Takes
from worker.federated.states import State
from worker.federated.trial import Trial
from worker.partitioning.slicing.faults import GaveUp
from worker.partitioning.slicing.setup import BESIDE_TENSORS

RUN, NETWORK = "federated", "network.safetensors"
INT64_BYTES = 8
# So long a run of boards waits where none of them is there, and so often it looks.
ALONE_S, LOOK_S = 900.0, 1.0


@dataclass(frozen=True)
class Real:
    """`dataset`: what each device loads by itself; `folder`: for the file of the network's layers. `patience_s`: the most that a
    round waits for anybody; `ack_s`: the most that a move waits for the other edge server. `members`: the boards that are the
    devices; None: devices are processes of this computer."""

    dataset: DatasetInput
    folder: Path
    patience_s: float = 60.0
    ack_s: float = 10.0
    members: Sequence[Member] | None = None


@dataclass
class RealCourse(Course):
    clock: ClassVar[str] = "measured"
    real: Real = field(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.ways = tuple(self.ways)[:1]
        self._link_bytes: dict[str, int] = {}
        self._on_top: dict[str, float] = {}

    def rounds(self, checkpoints: Checkpoints) -> Generator[Event, None, None]:
        """As in the emulated run; processes are started with the first round that is not behind it, and end with this."""
        setup, edges = self._setup(), [each.name for each in self.fleet.servers]
        between = Link(self.plan.between.mbps, self.plan.between.latency_ms)
        with Running(setup, edges, self._crew(setup, edges), between, self.real.ack_s) as self.running:
            yield from super().rounds(checkpoints)

    def _crew(self, setup: Setup, edges: Sequence[str]) -> Crew:
        if self.real.members is None:
            return Crew(setup, edges, [each.name for each in self.fleet.clients])
        return BoardCrew(setup, edges, self.real.members)

    def link_mbps(self, trial: Trial, place: int) -> float | None:
        """Of a board only what was changed: that is emulated on top of its real link."""
        return super().link_mbps(trial, place) if self.real.members is None else trial.rates.get(self._name(place))

    def waited(self, seconds: float) -> str:
        return f"{seconds:.3g} s: its connection was lost, or the {self.real.patience_s:g} s that a round waits were over"

    def link_bytes(self, trial: Trial, place: int, cut: int, spent: Spent) -> int:
        """Counted at the edge servers, heads and greetings included."""
        return self._link_bytes.get(self._name(place), 0)

    def _executed(self, number: int, present: Sequence[int], cuts: Sequence[Sequence[int]], conditions: Sequence[Trial],
                  moving: Sequence[Moving], vanished: Mapping[int, int], gathering: Gathering,
                  ) -> Generator[Event, None, tuple[list[Takes], list[Moving]]]:
        yield Progress(done=number - 1, total=self.plan.rounds, stage="starting the processes")
        yield from self._ready(number)
        parts = [self._part(number, place, cuts[0][place], conditions[0], moving) for place in present]
        yield from self._links_told(number, conditions[0])
        watch = Watch(gathering, {part.work.client: part.edge for part in parts})
        began = time.monotonic()
        until = began + self.real.patience_s
        self.running.order(number, parts, watch)
        yield from self._listened(lambda: watch.is_here, watch, (began + until) / 2)
        self.running.begin(number, parts, self.state, watch)
        yield from self._listened(lambda: watch.is_over(time.monotonic()), watch, until)
        yield from (Log(level="warning", message=f"Round {number}: {said}"[:2000]) for said in watch.said)
        self._link_bytes = watch.link_bytes
        took = self._took(present, cuts[0], watch)
        for place in took.late:  # one that hangs would be late for ever: it is begun anew for the next round
            self.running.crew.forget(self._name(place))
        return [took], self._done(moving, parts, watch)

    def _ready(self, number: int) -> Generator[Event, None, None]:
        """All run; where no board is there that could learn, one is waited for."""
        alone_since = None
        while True:
            for said in self.running.ready():
                yield Log(level="warning", message=f"Round {number}: {said}"[:2000])
            if self.running.crew.has_devices:
                return
            if alone_since is None:
                alone_since = time.monotonic()
                yield Log(level="warning", message=f"Round {number}: no board is there; the run waits {ALONE_S:g} s for one.")
            if time.monotonic() - alone_since > ALONE_S:
                raise GaveUp(f"No board was there for {ALONE_S:g} s. Resume it when one is: it goes on after its last round.")
            yield Progress(done=number - 1, total=self.plan.rounds, stage="waiting for a board")
            time.sleep(LOOK_S)

    def _listened(self, is_over: Callable[[], bool], watch: Watch, until_s: float) -> Generator[Event, None, None]:
        for _ in self.running.until(is_over, watch, until_s):
            if self.pulse.due():
                done = watch.gathering.number - 1 + len(watch.settled) / max(1, len(watch.homes))
                yield telling.progress(self, done)

    def _part(self, number: int, place: int, cut: int, trial: Trial, moving: Sequence[Moving]) -> Part:
        who, way = trial.fleet.clients[place], self.ways[0]
        goings = () if way.on_move == "stays" else tuple(
            Going(move.after, move.edge, way.on_move, self.plan.between.away_s) for move in moving if move.client == who.name)
        work = Work(who.name, number, self.places[cut].after, len(self.parts[place]), self.terms(number), self.plan.pace, goings)
        return Part(work, who.edge, self._link(trial, place), self.parts[place], self._fault(place, number))

    def _link(self, trial: Trial, place: int) -> Link | None:
        """What is emulated: of a board no latency, for it has its own."""
        mbps = self.link_mbps(trial, place)
        if mbps is None:
            return None
        return Link(mbps, trial.fleet.clients[place].speed.latency_ms if self.real.members is None else 0.0)

    def _links_told(self, number: int, trial: Trial) -> Generator[Event, None, None]:
        """Which links to boards are slower than real ones from this round on; said when it changes."""
        if self.real.members is None or (now := dict(trial.rates)) == self._on_top:
            return
        self._on_top = now
        told = "; ".join(f"{client} {mbps:g} Mbit/s" for client, mbps in now.items())
        yield Log(message=f"Round {number}: emulated on top of real links: {told}."[:2000] if told
                  else f"Round {number}: all links to boards are the real ones alone again.")

    def _took(self, present: Sequence[int], cuts: Sequence[int], watch: Watch) -> Takes:
        names = [self._name(place) for place in present]
        missing = {*watch.gathering.missing}
        late = frozenset(place for place, name in zip(present, names, strict=True) if name in missing)
        spent = tuple(watch.spent.get(name, Spent(vanished=True)) for name in names)
        return Takes(self.ways[0].name, tuple(present), tuple(cuts[place] for place in present), spent,
                     time.monotonic() - watch.began_s, late)

    def _done(self, moving: Sequence[Moving], parts: Sequence[Part], watch: Watch) -> list[Moving]:
        """The moves that came about, with what they carried. Who trains alone, or takes no part, is simply elsewhere then."""
        if self.ways[0].moves_home:
            return list(moving)
        parted = {part.work.client for part in parts if part.work.cut}
        return [Moving(move.client, move.after, move.edge, watch.carried(move) if move.client in parted else 0)
                for move in moving if move.client not in parted or watch.came_about(move)]

    def _batch_seconds(self, trial: Trial, cuts: Sequence[int], took: Takes) -> Sequence[float]:
        """Measured where it was; predicted of who did not take part or was lost."""
        found = list(trial.seconds(cuts))
        for place, spent in zip(took.clients, took.spent, strict=True):
            if spent.batches and place not in took.late:
                found[place] = spent.ended_s / spent.batches
        return found

    def _setup(self) -> Setup:
        network = self.real.folder / NETWORK
        files.save(self.network, network, in_shape=self.data.in_shape, classes=self.data.classes, name=RUN)
        given = self.real.dataset
        most = most_bytes(self.state, self.places, self.plan.pace, sum(map(len, self.parts)))
        return Setup(DEVICE, "", str(network.resolve()), secrets.token_hex(16), RUN, most, self.real.patience_s, data=given.name,
                     file=str(given.file.resolve()) if given.file else "")


def most_bytes(state: State, places: Sequence[Place], pace: Pace, images: int) -> int:
    """Of one frame: the weights with what an optimiser has beside them and a batch, or the weights with all positions."""
    whole = sum(tensor.numel() * tensor.element_size() for tensor in state.values())
    batch = (pace.batch + 1) * (max(each.sent_bytes for each in places) + INT64_BYTES)
    return BESIDE_TENSORS + 2 * whole + batch + INT64_BYTES * images
