"""A policy on a video, in emulated time: it chooses, the detector runs, and the policy is told what a real one would know.

A policy meets `Told` alone. What is really there is held by nobody in here: it belongs to those who score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from worker.detection import newest
from worker.detection.boxes import Detections
from worker.detection.latency import Machine


class Told(NamedTuple):
    """What a policy learns of a processed frame: the detectors that ran, what each said, and the ms that each took.

    What the first one said is what was shown.
    """

    frame: int
    ran: tuple[int, ...]
    found: tuple[Detections, ...]
    latency_ms: tuple[float, ...]


class Policy(Protocol):
    """Who decides which detectors run on the newest frame: one, or several one after the other, the first of which is shown."""

    def choose(self, frame: int) -> tuple[int, ...]: ...
    def learn(self, told: Told) -> None: ...


class Step(NamedTuple):
    """A frame that was processed: from when to when, by which detector, and what was shown of it."""

    frame: int
    at_s: float
    done_s: float
    detector: int
    found: Detections


@dataclass(frozen=True, eq=False)
class Footage:
    """What every detector would say of every frame: `found[detector][frame]`."""

    found: Sequence[Sequence[Detections]]
    fps: float

    @property
    def frames(self) -> int:
        return len(self.found[0])


def rehearse(policy: Policy, footage: Footage, machine: Machine) -> list[Step]:
    """Every frame that is processed while the policy decides."""
    told, before = list[Told](), -1

    def spend_s(frame: int, now: float) -> float:
        nonlocal before
        ran = policy.choose(frame)
        spent = tuple(machine.spent_ms(each, frame, now) for each in ran)
        switches = sum(one != other for one, other in zip((before, *ran), ran, strict=False)) if before >= 0 else len(ran) - 1
        before = ran[-1]
        told.append(Told(frame, ran, tuple(footage.found[each][frame] for each in ran), spent))
        return (sum(spent) + machine.switch_ms * switches) / 1e3

    steps = []
    for frame, at_s, done_s in newest.taken(footage.fps, footage.frames, spend_s):
        policy.learn(told[-1])
        steps.append(Step(frame, at_s, done_s, told[-1].ran[0], told[-1].found[0]))
    return steps
