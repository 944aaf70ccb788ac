"""Three clients and two edge servers that learn the digits: one trains alone, two offload; emulated or over real processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import torch
from torch import fx, nn

from worker import datasets
from worker.context import Checkpoints, DatasetInput
from worker.dnn import architectures
from worker.events import Event, Log, Metric, Progress
from worker.federated.averaging import fedavg
from worker.federated.course import Course, Plan, Weather, settled
from worker.federated.dealing import dealt
from worker.federated.learning import Pace
from worker.federated.places import places
from worker.federated.sides import Terms
from worker.federated.states import State
from worker.federated.trial import Trial
from worker.federated.ways import Chooser, OnMove, Way
from worker.planning.fleet import Fleet, Placed, Server, Speed
from worker.planning.fleets import Fault, Move, Rate

DIGITS = DatasetInput("digits")
CLIENTS = {"pi": "a", "phone": "a", "alone": "b"}
IMAGES, BATCH = 160, 16
BATCHES = IMAGES // BATCH
DRAWING = "drawing"
PACE, TERMS = Pace(1, BATCH, 7), Terms(0.05)


def drawing() -> fx.GraphModule:
    """A network for the digits that draws by lot on both sides of each cut."""
    torch.manual_seed(3)
    return fx.symbolic_trace(nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.3), nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(),
        nn.Dropout(0.3), nn.MaxPool2d(2), nn.Conv2d(8, 8, 3), nn.ReLU(), nn.Flatten(), nn.Dropout(), nn.Linear(32, 10)))


class Mixed(Chooser):
    """Behind the second and third unit, and not at all."""

    def choose(self, trial: Trial) -> Sequence[int]:
        return [1, 2, len(trial.places) - 1]


def course(kind: type[Course] = Course, rounds: int = 2, on_move: OnMove = "migrates", moves: Sequence[Move] = (),
           faults: Sequence[Fault] = (), rates: Sequence[Rate] = (), network: str = "vgg5", **more: Any) -> Any:
    data = datasets.load(DIGITS)
    whole = drawing() if network == DRAWING else settled(architectures.build(network, data.classes, data.in_shape, seed=3))
    fleet = Fleet(tuple(Placed(name, Speed(1e9, 50.0, 2.0), edge, None, False) for name, edge in CLIENTS.items()),
                  (Server("a", 1e10, 0, False), Server("b", 1e10, 0, False)))
    own = dealt(data.parts["train"].labels.numpy(), len(CLIENTS), "alike", seed=1, alpha=1.0, shards=2, shares=None)
    plan, ways = Plan(rounds, PACE, TERMS, drop_after=1.0), [Way("split", Mixed(), on_move)]
    return kind(whole, data, fleet, places(whole, data.in_shape), [each[:IMAGES] for each in own], plan, ways,
                fedavg, Weather(tuple(rates), tuple(moves), tuple(faults)), **more)


def runs(pid: int) -> bool:
    """Whether it is a process of a real run."""
    try:
        return "worker.federated.real" in " ".join(psutil.Process(pid).cmdline())
    except psutil.Error:
        return False


@dataclass
class Ran:
    """`states` after each round."""

    states: list[State] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    def logs(self, number: int) -> list[str]:
        said = [each.message for each in self.events if isinstance(each, Log)]
        return sorted(each for each in said if each.startswith(f"Round {number}:"))

    def metrics(self, name: str, number: int) -> list[Metric]:
        return [each for each in self.events if isinstance(each, Metric) and (each.name, each.step) == (name, number)]


def ran(some: Course, folder: Path, act: Callable[[Course, Progress], None] = lambda _course, _event: None) -> Ran:
    """All rounds; `act` may meddle whenever the run shows that it goes on."""
    found = Ran()
    for event in some.rounds(Checkpoints(folder)):
        found.events.append(event)
        if isinstance(event, Progress):
            if event.stage == "rounds" and event.done == some.done > len(found.states):
                found.states.append(some.state)
            act(some, event)
    return found
