"""FedAdapt's agent and the rules that it is compared with, as choosers of offloading points on the clock."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from safetensors.torch import load, save
from torch import Tensor

from worker.context import Checkpoints
from worker.events import Event, Log, Metric, Progress
from worker.federated.adapt.controller import Controller
from worker.federated.adapt.knobs import Knobs
from worker.federated.adapt.mapping import Points
from worker.federated.adapt.policies import Policy
from worker.federated.adapt.training import Progress as Updated
from worker.federated.adapt.training import trained
from worker.federated.places import Place
from worker.federated.states import State
from worker.federated.trial import Trial
from worker.federated.ways import Chooser

Training = Generator[Updated, None, Controller]
AGENT, STAGE = "agent", "agent's updates"


def points_of(places: Sequence[Place]) -> Points:
    return Points(tuple(place.share for place in places))


@dataclass
class Weathers:
    """A bench for the agent's training on which links get worse in turn: for some steps all are as typed, then for as many one
    client's is slow, as in the published experiment."""

    trial: Trial
    slow_mbps: float
    steps: int
    asked: int = 0

    def __post_init__(self) -> None:
        self._worse = [replace(self.trial, rates={**self.trial.rates, who.name: self.slow_mbps})
                       for who in self.trial.fleet.clients]

    @property
    def now(self) -> Trial:
        turn = self.asked // self.steps
        return self._worse[turn // 2 % len(self._worse)] if turn % 2 else self.trial

    def seconds(self, cuts: Sequence[int]) -> Sequence[float]:
        found = self.now.seconds(cuts)
        self.asked += 1
        return found

    def mbps(self) -> Sequence[float]:
        return self.now.mbps()


class Adaptive(Chooser):
    """The trained agent. `slow_mbps`: a client whose link is no faster is in the group of slow links; 0: there is none."""

    def __init__(self, points: Points, groups: int, knobs: Knobs, slow_mbps: float) -> None:
        self._points, self._groups, self._knobs, self._slow = points, groups, knobs, slow_mbps
        self._controller: Controller | None = None

    def begin(self, trial: Trial, checkpoints: Checkpoints) -> Iterator[Event]:
        """Train it on the clock, or take it as it was trained before; what was said of that is said again."""
        saved = checkpoints.last(AGENT)
        rewards: list[float] = list(saved[2]["rewards"]) if saved else []
        course = self._course(trial, replace(self._knobs, updates=0) if saved else self._knobs)
        self._controller = yield from _followed(course, self._knobs.updates, rewards)
        if saved:
            self._controller.load(load(saved[1]))
            yield from (_reward(number, each) for number, each in enumerate(rewards, 1))
        else:
            checkpoints.save(AGENT, self._knobs.updates, save(self._controller.state()), {"rewards": rewards})
        yield Log(message=f"The agent was trained by {self._knobs.updates * self._knobs.steps_an_update:,} trials on the clock.")

    def choose(self, trial: Trial) -> Sequence[int]:
        return self.controller.choose(trial)

    def saw(self, cuts: Sequence[int], seconds: Sequence[float]) -> None:
        self.controller.saw(cuts, seconds)

    def groups(self, trial: Trial) -> Sequence[int]:
        return self.controller.grouping.now(trial.mbps())

    def state(self) -> State:
        return self.controller.state()

    def load(self, state: Mapping[str, Tensor]) -> None:
        self.controller.load(state)

    @property
    def controller(self) -> Controller:
        assert self._controller is not None
        return self._controller

    def _course(self, trial: Trial, knobs: Knobs) -> Training:
        if not self._slow:
            return trained(trial, self._points, self._groups, knobs, None)
        # A link that is set to this very rate is no faster than it.
        below = math.nextafter(self._slow, math.inf)
        return trained(Weathers(trial, self._slow, knobs.steps_an_update), self._points, self._groups, knobs, below)


def _followed(course: Training, updates: int, rewards: list[float],
              ) -> Generator[Event, None, Controller]:
    while True:
        try:
            said = next(course)
        except StopIteration as end:
            found: Controller = end.value
            return found
        rewards.append(said.mean_reward)
        yield _reward(said.update, said.mean_reward)
        yield Progress(done=said.update, total=updates, stage=STAGE)


def _reward(number: int, value: float) -> Metric:
    return Metric(name="agent_reward", value=value, step=number)


@dataclass(frozen=True)
class Whole:
    """Whole rounds as a bench: what rules choose by, and what a round really takes."""

    trial: Trial

    def seconds(self, cuts: Sequence[int]) -> Sequence[float]:
        return self.trial.whole(cuts)

    def mbps(self) -> Sequence[float]:
        return self.trial.mbps()


@dataclass
class Ruled(Chooser):
    """A rule that forgets: under the same conditions it says the same, so it is asked once."""

    policy: Policy
    _known: dict[object, Sequence[int]] = field(default_factory=dict)

    def choose(self, trial: Trial) -> Sequence[int]:
        key = (tuple(trial.rates.items()), tuple(trial.slow.items()), tuple(who.edge for who in trial.fleet.clients))
        if key not in self._known:
            self._known[key] = tuple(int(each) for each in np.asarray(self.policy.choose(Whole(trial))))
        return self._known[key]


class Quickest(Chooser):
    """Each client at the offloading point at which it alone is fastest, of equal ones the last: no setting is better where
    clients share nothing, and one look at each point of each client finds it."""

    def choose(self, trial: Trial) -> Sequence[int]:
        last = len(trial.places) - 1
        return [min(range(last, -1, -1), key=lambda cut, who=who: trial.alone(who, cut))  # type: ignore[misc]
                for who in range(len(trial.fleet.clients))]
