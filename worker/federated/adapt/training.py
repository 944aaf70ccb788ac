"""Training the agent by trying offloading points on a bench: short rounds whose weights are thrown away, only time counts."""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple

import numpy as np
import torch

from worker.federated.adapt.agent import Agent, Step
from worker.federated.adapt.bench import Bench, Cuts, Floats, mbps_of, seconds_of
from worker.federated.adapt.controller import Controller
from worker.federated.adapt.grouping import SLOW_LINK_MBPS, grouped
from worker.federated.adapt.knobs import Knobs
from worker.federated.adapt.mapping import Points, spread
from worker.federated.adapt.observing import Observer
from worker.federated.adapt.reward import done, reward


class Progress(NamedTuple):
    """After an update: its number from 1 on, and the mean reward of the steps that it rests on."""

    update: int
    mean_reward: float


def trained(bench: Bench, points: Points, groups: int, knobs: Knobs,
            slow_link_mbps: float | None = SLOW_LINK_MBPS) -> Generator[Progress, None, Controller]:
    """Exactly `knobs.updates` updates, then the controller with what was learned.

    The published bound of 100 episodes is left out: where nothing is better than no offloading each step ends its episode, and
    the training would stop before the agent had found that.
    """
    trial = _Trial(bench, points, groups, knobs, slow_link_mbps)
    for update in range(1, knobs.updates + 1):
        steps = [trial.step() for _ in range(knobs.steps_an_update)]
        trial.agent.update(steps)
        yield Progress(update, sum(step.reward for step in steps) / len(steps))
    return trial.controller()


class _Trial:
    """The agent on the bench, step by step, episode by episode."""

    def __init__(self, bench: Bench, points: Points, groups: int, knobs: Knobs, slow_link_mbps: float | None) -> None:
        self.bench, self.points, self.knobs = bench, points, knobs
        clients = len(mbps_of(bench))
        # The first round warms up; the second one is the baseline.
        seconds_of(bench, points.all_native(clients))
        self.agent = Agent(groups, knobs)
        self.tried = np.zeros(groups, dtype=bool)
        self.baseline = seconds_of(bench, points.all_native(clients))
        self.grouping = grouped(self.baseline, groups, slow_link_mbps)
        self.observer = Observer(points, groups, knobs, self.baseline)
        self._begin(self.baseline)

    def _begin(self, baseline: Floats) -> None:
        """An episode begins without offloading, whose time is its baseline."""
        self.baseline = self.observer.baseline = baseline
        self.left = self.knobs.steps_an_episode
        self._look(self.points.all_native(len(baseline)), baseline)

    def _look(self, cuts: Cuts, seconds: Floats) -> None:
        mbps = mbps_of(self.bench)
        self.labels = self.grouping.now(mbps)
        self.seen = self.observer.see(self.labels, cuts, seconds, mbps)
        self.tried[list(self.labels)] = True

    def step(self) -> Step:
        """Try one action out."""
        if not self.left:
            self._begin(seconds_of(self.bench, self.points.all_native(len(self.baseline))))
        seen, action = self.seen, self.agent.explore(self.seen)
        cuts = spread(action.double().numpy(), self.labels, self.points)
        seconds = seconds_of(self.bench, cuts)
        over = done(seconds, self.baseline)
        self.left = 0 if over else self.left - 1
        self._look(cuts, seconds)
        return Step(torch.from_numpy(seen).float(), action, reward(seconds, self.baseline), over)

    def controller(self) -> Controller:
        return Controller(self.agent, self.points, self.grouping, self.observer, self.tried.tolist())
