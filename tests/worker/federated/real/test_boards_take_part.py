"""Boards as devices of a run come to the weights of emulated ones, bit for bit, whoever moves, dies or errs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.worker.federated.real.boards import Kept, kept
from tests.worker.federated.real.three import BATCHES, CLIENTS, DIGITS, DRAWING, Ran, course, ran
from worker.events import Progress
from worker.federated.course import Course
from worker.federated.real.course import Real, RealCourse
from worker.federated.states import same
from worker.planning.fleets import Fault, Move

pytestmark = pytest.mark.kill
PATIENCE_S = 60.0
GONE, BACK, LAST = 3, 4, 5
MOVES = (Move(2, 0.5, "pi", "b"), Move(4, 1.0, "pi", "a"))
FAULTS = (Fault("phone", "sends NaN", 2, 2),)


@dataclass
class Meddler:
    """Takes a board away in the middle of a round, and brings it back when the next one has begun without it."""

    boards: dict[str, Kept]
    gone: set[str] = field(default_factory=set)

    def __call__(self, some: Course, event: Progress) -> None:
        assert isinstance(some, RealCourse)
        number = some.done + 1
        if number == GONE and event.stage == "rounds" and not self.gone:
            self.gone.add("phone")
            self.boards["phone"].leave()


def test_two_rounds(tmp_path: Path) -> None:
    emulated = ran(course(rounds=2, moves=MOVES, network=DRAWING), tmp_path / "emulated")
    some = course(RealCourse, rounds=2, moves=MOVES, network=DRAWING, real=Real(DIGITS, tmp_path, PATIENCE_S))
    with kept(some, tmp_path) as boards:
        import dataclasses, time
        some.real = dataclasses.replace(some.real, members=[each.member for each in boards.values()])
        t=time.time()
        real = ran(some, tmp_path / "real")
        print("took", time.time()-t)
    print([e for e in real.events if e.type=="log"])
    for one, other in zip(emulated.states, real.states, strict=True):
        assert same(one, other)
    print([ (m.labels, m.value) for m in real.metrics("lane_seconds", 2)])
