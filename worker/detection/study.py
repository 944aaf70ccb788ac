"""Every policy on the same footage, machine and chances: each detector alone, TOD, periodic profiling, ROMA, and the oracle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from worker.detection.accuracy import Judged, judge
from worker.detection.boxes import Numbers
from worker.detection.calibration import Calibration
from worker.detection.latency import Machine
from worker.detection.lines import ORACLE, PERIODIC, ROMA, TOD
from worker.detection.newest import Rule, seen, shown
from worker.detection.oracle import oracle
from worker.detection.policies.fixed import Fixed
from worker.detection.policies.periodic import Periodic
from worker.detection.policies.roma import Knobs, Roma
from worker.detection.policies.tod import Tod, tuned
from worker.detection.rehearsal import Footage, Policy, Step, rehearse


@dataclass(frozen=True, eq=False)
class Labelled:
    """Footage whose truth is known."""

    footage: Footage
    truth: Sequence[Numbers]


@dataclass(frozen=True, eq=False)
class Study:
    """What policies are given. `names`: the detectors, the fastest first. `tuning`: what TOD's thresholds are found on.

    `picture`: pixels of a frame; `period`, `window`: frames from one profiling to the next, and that an oracle's choice lasts.
    Nothing in here is the truth of `footage`.
    """

    names: tuple[str, ...]
    footage: Footage
    machine: Machine
    known: Calibration
    tuning: Labelled | None
    picture: float
    knobs: Knobs = field(default_factory=Knobs)
    period: int = 60
    window: int = 30

    def without_truth(self, rule: Rule) -> Iterator[tuple[str, Policy]]:
        """Those that need no truth of the footage they run on."""
        yield from ((name, Fixed(place)) for place, name in enumerate(self.names))
        if self.tuning:
            yield TOD, Tod(self._thresholds(self.tuning, rule), self.picture, self.known.confidence)
        yield PERIODIC, Periodic(len(self.names), self.period, self.known.confidence)
        yield ROMA, self.roma(rule)

    def roma(self, rule: Rule) -> Roma:
        return Roma(self.known, self.machine.nominal_ms, self.footage.fps, replace(self.knobs, aim=rule))

    def _thresholds(self, tuning: Labelled, rule: Rule) -> tuple[float, ...]:
        """TOD takes compute for fixed: its thresholds are those of the machine at rest."""
        rest = replace(self.machine, drift=(), scatter=None)

        def score(policy: Tod) -> float:
            return judged(rehearse(policy, tuning.footage, rest), tuning, rule).whole or 0.0

        return tuned(tuning.footage, self.picture, self.known.confidence, score)


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a policy did; `judged` where there was a truth to hold it against."""

    name: str
    steps: list[Step]
    judged: Judged | None

    @property
    def accuracy(self) -> float | None:
        return self.judged.whole if self.judged else None


def judged(steps: Sequence[Step], there: Labelled, rule: Rule) -> Judged:
    """What was seen at each frame under that rule, against the truth."""
    places = shown(steps, there.footage.fps, there.footage.frames, rule)
    return judge(seen([step.found for step in steps], places), there.truth)


def outcomes(study: Study, rule: Rule, truth: Sequence[Numbers] | None) -> Iterator[Outcome]:
    """One policy after the other, the oracle last where there is a truth."""
    there = Labelled(study.footage, truth) if truth is not None else None
    alone = list[Judged]()
    for name, policy in study.without_truth(rule):
        steps = rehearse(policy, study.footage, study.machine)
        found = judged(steps, there, rule) if there else None
        if found and name in study.names:
            alone.append(found)
        yield Outcome(name, steps, found)
    if there:
        steps = rehearse(oracle(alone, study.window), study.footage, study.machine)
        yield Outcome(ORACLE, steps, judged(steps, there, rule))
