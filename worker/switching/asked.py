"""What a run is asked for, as its measuring half knows it: the networks, the trace's terms, the policy's knobs, the ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from worker.switching.holding import Residency
from worker.switching.policy import Candidate, Knobs
from worker.switching.traces import GENERATORS, MOST_ARRIVALS, MOST_REQUESTS, Kind, Second, Shape, read

Baselines = Literal["none", "fixed", "all"]
# What the way is called in which the policy chooses, however the set is held: so that runs stand beside each other.
SWITCHING = "switching"
RELOADED, AT_DENSE_SIZE = "switching, dense size reloaded", "switching, all at dense size"
# Where nothing is said: so much of what the most accurate network can serve, and so many times what the slowest takes.
LOAD, PATIENCE = 0.5, 4.0
# Never less than this by itself: where other programs compute too, a process that is to go on waits for some ms now and then,
# whatever a network takes, so that with less nearly every request would be late and the trace would tell of the machine alone.
LEAST_DEADLINE_MS = 20.0


@dataclass(frozen=True)
class Network:
    """One of the set. `file`, `packed`, `dense`: in the run's folder; `dense` is of the size of the largest."""

    name: str
    file: str
    packed: str
    dense: str
    accuracy: float
    n: int
    size_bytes: int
    dense_bytes: int
    packed_bytes: int
    params: int
    macs: int


@dataclass(frozen=True)
class Way:
    """One way through the trace. `fixed`: the network that serves for good; else the policy says who. `is_dense`: files are those
    of dense size."""

    name: str
    residency: Residency
    fixed: str = ""
    is_dense: bool = False


@dataclass(frozen=True)
class Asked:
    """`arrivals_per_s`, `deadline_ms` 0: what fits the networks as profiled. `lines`: of a trace that was given."""

    residency: Residency
    kind: Kind
    lines: str
    seconds: int
    arrivals_per_s: float
    deadline_ms: float
    burst: float
    slower: float
    knobs: Knobs
    baselines: Baselines
    seed: int
    profiled: int = 50

    def trace(self, candidates: Sequence[Candidate]) -> list[Second]:
        """Second by second, the same for the same profile and seed."""
        if self.kind == "lines":
            return read(self.lines)
        best = max(candidates, key=lambda each: (each.accuracy, -each.latency_ms))
        slowest_ms = max(each.latency_ms for each in candidates)
        shape = Shape(self.seconds, self.arrivals_per_s or self._load(best),
                      self.deadline_ms or max(LEAST_DEADLINE_MS, _round(PATIENCE * slowest_ms)), self.burst, self.slower)
        return GENERATORS[self.kind](shape, self.seed)

    def _load(self, best: Candidate) -> float:
        """What fits it, within what may be typed too: in a burst of a tiny network nobody could send the rest."""
        most = min(MOST_ARRIVALS, MOST_REQUESTS / self.seconds) / self.burst
        return min(_round(1e3 * LOAD / best.latency_ms), most)

    def ways(self, networks: Sequence[Network]) -> list[Way]:
        found = [Way(SWITCHING, self.residency)]
        if self.baselines != "none":
            found += [Way(f"fixed: {each.name}", "disk", fixed=each.name) for each in networks]
        if self.baselines == "all":
            found += [Way(RELOADED, "disk", is_dense=True), Way(AT_DENSE_SIZE, "resident", is_dense=True)]
        return found

    @property
    def is_dense_wanted(self) -> bool:
        return self.baselines == "all"


def networks(facts: Sequence[dict[str, Any]]) -> list[Network]:
    return [Network(**each) for each in facts]


def candidates(of: Sequence[Network], latency_ms: dict[str, float]) -> list[Candidate]:
    """As the policy sees them."""
    return [Candidate(each.name, each.accuracy, latency_ms[each.name], each.size_bytes) for each in of]


def _round(value: float) -> float:
    """Two significant digits: a rate or a deadline that a person would have said."""
    return float(f"{value:.2g}")
