"""Which network should serve: told what a window of time saw, it says whether another one takes over. No clock of its own.

A network is feasible where it is accurate enough, has room in memory, and computes, with a margin, within the deadline and
faster than requests come. The target is the most accurate feasible one. Downwards at once, when requests wait (T1) or memory is
short (T2); upwards only after the target was better for so many windows on end, none of them under pressure, that lasted at
least the dwell time (T3), and so long after the last change (T4): a load that changes faster than that moves it once, not back
and forth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

# A network that had to be left under pressure is tried again after longer calm, at most after so many times as long.
MOST_CAUTIOUS = 16


@dataclass(frozen=True)
class Candidate:
    """`latency_ms`: of one request, as profiled on this device. `size_bytes`: what it takes of memory while it serves."""

    name: str
    accuracy: float
    latency_ms: float
    size_bytes: int


@dataclass(frozen=True)
class Knobs:
    """`margin`: how much slower than profiled a network may be. `hold`: windows before it changes upwards. `follow`: the share
    by which one window's measured times move what is believed of the device. Budgets in bytes; 0 is none."""

    least_accuracy: float = 0.0
    margin: float = 0.2
    most_waiting: int = 8
    hold: int = 5
    dwell_s: float = 2.0
    window_s: float = 1.0
    memory_budget_bytes: int = 0
    memory_floor_bytes: int = 0
    follow: float = 0.3


@dataclass(frozen=True)
class Window:
    """`p95_ms`: from arrival to answer; None where nobody was answered. `free_bytes`: what the rest of the machine leaves to the
    network that serves; None where nothing is said. `within_ms`: what a request may take here, from its arrival to its answer.
    `pass_ms`: what one computation of the network `passed_by` took, the one that computed most; None where there was none."""

    waiting: int
    p95_ms: float | None
    arrivals_per_s: float
    within_ms: float
    free_bytes: int | None = None
    pass_ms: float | None = None
    passed_by: str = ""


@dataclass(frozen=True)
class Decision:
    """`to`: who takes over; empty where nobody does. `is_degraded`: nothing is feasible, and the fastest serves."""

    to: str
    trigger: str
    target: str
    is_degraded: bool


class Chooser(Protocol):
    """Whoever says which network serves, `now` first: asked at the end of each window."""

    now: str

    def step(self, seen: Window) -> Decision: ...

    def expected_ms(self, name: str) -> float:
        """What one request takes of that network, as the device is now."""

    def state(self) -> dict[str, Any]: ...

    def load(self, state: Mapping[str, Any]) -> None: ...


@dataclass
class Policy:
    """`slower`: by how much the device is slower than it was profiled, as seen."""

    candidates: Sequence[Candidate]
    knobs: Knobs
    now: str
    slower: float = 1.0
    calm: int = 0
    calm_to: str = ""
    since_s: float = float("inf")
    before: int = 0
    is_recovering: bool = False
    caution: dict[str, int] = field(default_factory=dict)

    def step(self, seen: Window) -> Decision:
        """The window is over: who serves from now on."""
        self.since_s += self.knobs.window_s
        self._follow(seen)
        target, is_degraded = self.target(seen)
        trigger, to = self._chosen(seen, target)
        self.before = seen.waiting
        if to is not None:
            self._change(to, trigger)
        return Decision(to.name if to else "", trigger, target.name, is_degraded)

    def target(self, seen: Window) -> tuple[Candidate, bool]:
        """The most accurate feasible candidate; of equals the smaller. With none the fastest that has room, and True."""
        roomy = [each for each in self.candidates if self._has_room(each, seen)]
        feasible = [each for each in roomy if self._is_feasible(each, seen)]
        if feasible:
            return max(feasible, key=lambda each: (each.accuracy, -each.size_bytes, -each.latency_ms)), False
        if roomy:
            return min(roomy, key=lambda each: (each.latency_ms, each.size_bytes)), True
        return min(self.candidates, key=lambda each: (each.size_bytes, each.latency_ms)), True

    @property
    def current(self) -> Candidate:
        return self._named(self.now)

    def expected_ms(self, name: str) -> float:
        return self._named(name).latency_ms * self.slower

    def state(self) -> dict[str, Any]:
        """All that it remembers, as JSON."""
        told = asdict(self)
        del told["candidates"], told["knobs"]
        return told | {"since_s": min(self.since_s, 1e9)}

    def load(self, state: Mapping[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)

    def _follow(self, seen: Window) -> None:
        """Heat, a slower clock, a neighbour: what is measured of the one that serves holds for all of them."""
        computed = self._named(seen.passed_by or self.now)  # Of a change that takes its time the old one computes on.
        if seen.pass_ms is not None and computed.latency_ms > 0:
            self.slower += self.knobs.follow * (seen.pass_ms / computed.latency_ms - self.slower)

    def _has_room(self, each: Candidate, seen: Window) -> bool:
        budget, floor = self.knobs.memory_budget_bytes, self.knobs.memory_floor_bytes
        left = each.size_bytes <= seen.free_bytes - floor if seen.free_bytes is not None else True
        return left and (not budget or each.size_bytes <= budget)

    def _is_feasible(self, each: Candidate, seen: Window) -> bool:
        between_ms = 1e3 / seen.arrivals_per_s if seen.arrivals_per_s > 0 else float("inf")
        within = each.latency_ms * self.slower * (1 + self.knobs.margin) <= min(seen.within_ms, between_ms)
        return within and each.accuracy >= self.knobs.least_accuracy

    def _chosen(self, seen: Window, target: Candidate) -> tuple[str, Candidate | None]:
        if not self._has_room(self.current, seen):  # T2
            self.calm = 0
            return ("T2", target) if target.name != self.now else ("", None)
        if self._is_pressed(seen):  # T1
            self.calm = 0
            down = self._downward(seen, target)
            return ("T1", down) if down else ("", None)
        return self._upward(target)

    def _is_pressed(self, seen: Window) -> bool:
        """Requests wait, or come too late. After a change for that reason what waited is waited for, while it becomes less."""
        pressed = seen.waiting > self.knobs.most_waiting or (seen.p95_ms is not None and seen.p95_ms > seen.within_ms)
        self.is_recovering = self.is_recovering and pressed and seen.waiting < self.before
        return pressed and not self.is_recovering

    def _downward(self, seen: Window, target: Candidate) -> Candidate | None:
        """The target, where it is faster; else the next faster one that has room; nobody where this is the fastest."""
        faster = [each for each in self.candidates if each.latency_ms < self.current.latency_ms and self._has_room(each, seen)]
        if target in faster:
            return target
        return max(faster, key=lambda each: each.latency_ms, default=None)

    def _upward(self, target: Candidate) -> tuple[str, Candidate | None]:
        """T3 and T4: to the least of what was the target all the while."""
        if target.accuracy <= self.current.accuracy:
            self.calm = 0
            return "", None
        if not self.calm or target.accuracy <= self._named(self.calm_to).accuracy:
            self.calm_to = target.name
        self.calm += 1
        to = self._named(self.calm_to)
        dwell_s, calm_s = self.knobs.dwell_s, self.calm * self.knobs.window_s
        if self.calm < self._patience(to) or calm_s < dwell_s or self.since_s < dwell_s:
            return "", None
        return "T3", to

    def _patience(self, each: Candidate) -> int:
        """Windows of calm before it is tried."""
        return self.knobs.hold * self.caution.get(each.name, 1)

    def _change(self, to: Candidate, trigger: str) -> None:
        if trigger == "T1":
            self.caution[self.now] = min(2 * self.caution.get(self.now, 1), MOST_CAUTIOUS)
            self.is_recovering = True
        elif trigger == "T3" and self.caution.get(self.now):
            self.caution.pop(self.now)
        self.now, self.calm, self.since_s = to.name, 0, 0.0

    def _named(self, name: str) -> Candidate:
        return next(each for each in self.candidates if each.name == name)


@dataclass
class Again:
    """The same changes in the same windows as another one chose: what they cost where networks are held otherwise."""

    now: str
    latency_ms: Mapping[str, float]
    changes: Mapping[int, tuple[str, str]]
    window: int = 0

    def step(self, seen: Window) -> Decision:
        trigger, to = self.changes.get(self.window, ("", ""))
        self.window, self.now = self.window + 1, to or self.now
        return Decision(to, trigger, to, is_degraded=False)

    def expected_ms(self, name: str) -> float:
        return self.latency_ms[name]

    def state(self) -> dict[str, Any]:
        return {"window": self.window, "now": self.now}

    def load(self, state: Mapping[str, Any]) -> None:
        self.window, self.now = state["window"], state["now"]
