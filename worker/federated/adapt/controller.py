"""A trained agent at work: before each round it says who trains how much, after it it is told how long that took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from worker.federated.adapt.agent import Agent
from worker.federated.adapt.bench import Bench, Cuts, Floats, mbps_of
from worker.federated.adapt.grouping import Grouping
from worker.federated.adapt.mapping import Points, spread
from worker.federated.adapt.observing import Observer

AGENT = "agent."


class Controller:
    """The policy "FedAdapt": the mean action, no drawing and no learning. `tried`: [groups] whether anybody was in a group while
    the agent learned; of a group that it never tried it knows nothing, and whoever is in it offloads nothing."""

    name = "FedAdapt"

    def __init__(self, agent: Agent, points: Points, grouping: Grouping, observer: Observer, tried: Sequence[bool]) -> None:
        self.agent, self.points, self.grouping, self.observer = agent, points, grouping, observer
        self.tried = tuple(tried)
        self.cuts, self.seconds = points.all_native(len(observer.baseline)), observer.baseline

    def choose(self, bench: Bench) -> Cuts:
        """Each client's offloading point in the next round, by the last one and by the bandwidths now; nothing is tried out."""
        mbps = mbps_of(bench)
        labels = self.grouping.now(mbps)
        actions = self.agent.exploit(self.observer.see(labels, self.cuts, self.seconds, mbps))
        return spread(np.where(self.tried, actions, 1.0), labels, self.points)

    def saw(self, cuts: Sequence[int], seconds: Sequence[float] | Floats) -> None:
        """What a round took: seconds per iteration of each client. Before the first one is told the baseline stands for it."""
        self.cuts, self.seconds = tuple(cuts), np.asarray(seconds, dtype=np.float64)

    def state(self) -> dict[str, Tensor]:
        """All that a restart needs, by names that safetensors takes; `load` of a controller of the same knobs, points and number
        of groups takes it."""
        return {f"{AGENT}{name}": value for name, value in self.agent.state().items()} | {
            "baseline": torch.from_numpy(self.observer.baseline.copy()), "last": torch.from_numpy(self.observer.last.copy()),
            "seconds": torch.from_numpy(self.seconds.copy()), "cuts": torch.tensor(self.cuts),
            "tried": torch.tensor(self.tried), "by_time": torch.tensor(self.grouping.by_time)}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Go on where the controller that told this `state` was."""
        self.agent.load({name.removeprefix(AGENT): value for name, value in state.items() if name.startswith(AGENT)})
        self.observer.baseline, self.observer.last = (state[name].double().numpy().copy() for name in ("baseline", "last"))
        self.saw(state["cuts"].tolist(), state["seconds"].numpy().copy())
        self.tried = tuple(state["tried"].tolist())
        self.grouping = Grouping(self.grouping.count, tuple(state["by_time"].tolist()), self.grouping.slow_link_mbps)
