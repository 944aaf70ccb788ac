"""The best setting of offloading points, found by trying settings out: what no policy can beat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import ClassVar

from worker.federated.adapt.bench import Bench, Cuts, Floats, mbps_of, seconds_of
from worker.federated.adapt.grouping import Grouping
from worker.federated.adapt.mapping import Points

# More settings than these are not all tried: five clients with four points have 1,024.
MOST_SETTINGS = 4096
# So many sweeps over all places at most where not everything is tried; the last one changes nothing.
MOST_SWEEPS = 20
# What a setting costs by its seconds per iteration of each client; the least is best.
Cost = Callable[[Floats], tuple[float, ...]]


def round_time(seconds: Floats) -> tuple[float, ...]:
    """The slowest client's seconds, then those of all together. Clients make equally many iterations a round."""
    return float(seconds.max()), float(seconds.sum())


@dataclass(frozen=True)
class Oracle:
    """The least costly setting; of equally good ones the one that offloads least, the first clients first.

    With a `grouping` each group has one point, without one each client has its own. Up to `most_settings` settings all are tried:
    exact, whatever clients share. Above, one place after the other takes its best point until none would change: exact where a
    client's time depends on its own point alone; where clients share a server, a setting that no single change improves.
    """

    points: Points
    grouping: Grouping | None = None
    cost: Cost = round_time
    most_settings: int = MOST_SETTINGS
    name: ClassVar[str] = "oracle"

    def choose(self, bench: Bench) -> Cuts:
        """By trials on the bench as it is now."""
        mbps = mbps_of(bench)
        labels = tuple(range(len(mbps))) if self.grouping is None else self.grouping.now(mbps)
        return best_setting(bench, self.points, labels, self.cost, self.most_settings)

    def saw(self, cuts: Sequence[int], seconds: Sequence[float] | Floats) -> None:
        """Nothing is kept of it."""


def best_setting(bench: Bench, points: Points, labels: Sequence[int], cost: Cost = round_time,
                 most_settings: int = MOST_SETTINGS) -> Cuts:
    """Clients of the same label have the same point."""
    # Only labels that somebody has are turned: an empty group would multiply the settings by nothing.
    places = {label: place for place, label in enumerate(sorted(set(labels)))}
    own = [places[label] for label in labels]

    def costs(setting: Sequence[int]) -> tuple[float, ...]:
        return cost(seconds_of(bench, [setting[place] for place in own]))

    native_first = points.reachable[::-1]
    if len(native_first) ** len(places) <= most_settings:
        best: Sequence[int] = min(product(native_first, repeat=len(places)), key=costs)
    else:
        best = _descended([points.native] * len(places), native_first, costs)
    return tuple(best[place] for place in own)


def _descended(setting: list[int], choices: Sequence[int], costs: Callable[[Sequence[int]], tuple[float, ...]]) -> list[int]:
    """Place by place the best choice, as often as something gets better."""
    best = costs(setting)
    for _ in range(MOST_SWEEPS):
        before = best
        for place in range(len(setting)):
            for choice in choices:
                tried = [*setting[:place], choice, *setting[place + 1:]]
                if choice != setting[place] and (cost := costs(tried)) < best:
                    setting, best = tried, cost
        if best == before:
            break
    return setting
