"""Boards as devices of a run come to the weights of emulated ones, bit for bit, whoever moves, errs, dies or is away."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
import pytest

from tests.portal import free_port, strain, until
from tests.worker.federated.real.boards import Kept, kept
from tests.worker.federated.real.three import BATCHES, CLIENTS, DIGITS, DRAWING, Ran, course, ran
from worker.context import Checkpoints, HostInput
from worker.events import Progress
from worker.federated.course import Course
from worker.federated.real import boards as taking_part
from worker.federated.real import course as real_course
from worker.federated.real.bridge import Member
from worker.federated.real.course import Real, RealCourse
from worker.federated.states import same
from worker.partitioning.slicing.faults import GaveUp
from worker.planning.fleets import Fault, Move

pytestmark = pytest.mark.kill
PATIENCE_S = 60.0
FIRST, MOVES_AND_NAN, DIES, AWAY, BACK = 1, 2, 3, 4, 5
MOVES = (Move(MOVES_AND_NAN, 0.5, "pi", "b"), Move(BACK, 1.0, "pi", "a"))
NAN = Fault("phone", "sends NaN", MOVES_AND_NAN, MOVES_AND_NAN)
# To the emulated run, whoever does not come in has vanished.
LOST = (Fault("phone", "vanishes", DIES, DIES), Fault("alone", "vanishes", AWAY, AWAY))
SAID = {FIRST: "nothing happens", MOVES_AND_NAN: "a move in the middle, and NaN", DIES: "a device that vanishes",
        AWAY: "a board that is gone before the round", BACK: "everybody again, and a move"}


@dataclass
class Meddler:
    """A board is taken away behind the round in which another one's device died, and is back a round later."""

    boards: dict[str, Kept]
    patch: pytest.MonkeyPatch
    pids: set[int] = field(default_factory=set)
    last: int = 0

    def __call__(self, some: Course, event: Progress) -> None:
        assert isinstance(some, RealCourse)
        if some.done == self.last or event.stage != "rounds":
            return
        self.last = some.done
        if some.done == DIES:
            self.boards["alone"].leave()
            until(lambda: some.running.crew.runs("phone"), 60 * strain(), "the device that vanished, started again by its agent")
            self.patch.setattr(taking_part, "RETURN_S", 0.5)
        elif some.done == AWAY:
            self.boards["alone"].come()
            until(lambda: some.running.crew.runs("alone"), 60 * strain(), "the board that was away")
        self.pids.update(each.pid() for each in self.boards.values() if each.is_here)


@dataclass(frozen=True)
class Both:
    emulated: Ran
    real: Ran
    pids: frozenset[int]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    folder = tmp_path_factory.mktemp("boards")
    with pytest.MonkeyPatch.context() as patch:
        emulated = ran(course(rounds=BACK, moves=MOVES, faults=(NAN, *LOST), network=DRAWING), folder / "emulated")
        some = course(RealCourse, rounds=BACK, moves=MOVES, faults=(NAN, LOST[0]), network=DRAWING,
                      real=Real(DIGITS, folder, PATIENCE_S))
        with kept(some, folder) as boards:
            some.real = replace(some.real, members=[each.member for each in boards.values()])
            meddler = Meddler(boards, patch)
            real = ran(some, folder / "real", meddler)
    return Both(emulated, real, frozenset(meddler.pids))


@pytest.mark.parametrize("number", SAID, ids=SAID.values())
def test_the_weights_are_those_of_the_emulated_round(both: Both, number: int) -> None:
    emulated, real = both.emulated, both.real
    assert len(emulated.states) == len(real.states) == BACK
    assert same(emulated.states[number - 1], real.states[number - 1])


def test_what_is_refused_is_told_in_the_same_words(both: Both) -> None:
    assert both.real.logs(MOVES_AND_NAN) == both.emulated.logs(MOVES_AND_NAN)
    assert len(both.real.logs(MOVES_AND_NAN)) == 1


@pytest.mark.parametrize(("number", "who"), [(DIES, "phone"), (AWAY, "alone")])
def test_who_does_not_come_in_is_told_and_takes_part_again(both: Both, number: int, who: str) -> None:
    assert any(f"nothing came from {who}" in said for said in both.real.logs(number))
    assert not any(f"nothing came from {who}" in said for said in both.real.logs(number + 1))


def test_a_board_that_is_away_is_told_once_with_the_reason_and_so_is_that_it_is_back(both: Both) -> None:
    assert any("alone is not there: " in said and "Rounds go on without it until it is." in said for said in both.real.logs(AWAY))
    assert any("alone is there again." in said for said in both.real.logs(BACK))


@pytest.mark.parametrize(("number", "after"), [(MOVES_AND_NAN, BATCHES // 2), (BACK, BATCHES)])
def test_a_move_carries_the_bytes_of_the_emulated_one_and_nothing_is_learnt_twice(both: Both, number: int, after: int) -> None:
    (emulated,), (real,) = (each.metrics("moved_bytes", number) for each in (both.emulated, both.real))
    assert (real.labels["after"], real.labels["to"], real.value) == (after, emulated.labels["to"], emulated.value)


def test_a_clients_lanes_fill_the_round_and_no_bandwidth_is_told_of_real_links(both: Both) -> None:
    (whole,) = both.real.metrics("round_seconds", FIRST)
    for client in CLIENTS:
        lanes = [each.value for each in both.real.metrics("lane_seconds", FIRST) if each.labels["client"] == client]
        assert sum(filter(None, lanes)) == pytest.approx(whole.value)
    assert both.emulated.metrics("bandwidth_mbps", FIRST) and not both.real.metrics("bandwidth_mbps", FIRST)


def test_no_process_of_a_board_is_left(both: Both) -> None:
    assert len(both.pids) >= len(CLIENTS) + len(("phone, which vanished", "alone, which was away"))
    assert not any(psutil.pid_exists(pid) for pid in both.pids)


def test_where_no_board_is_there_the_run_waits_and_gives_up_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(real_course, "ALONE_S", 2.0)
    monkeypatch.setattr(taking_part, "RETURN_S", 0.5)
    nobody = [Member(name, HostInput(2, name, "run", ("127.0.0.1",), free_port(), "", "token")) for name in CLIENTS]
    some, found = course(RealCourse, rounds=1, real=Real(DIGITS, tmp_path, PATIENCE_S, members=nobody)), Ran()
    with pytest.raises(GaveUp, match=r"No board was there for 2 s\. Resume it when one is"):
        for event in some.rounds(Checkpoints(tmp_path / "kept")):
            found.events.append(event)
    logs = found.logs(1)
    assert sum("no board is there; the run waits" in said for said in logs) == 1
    assert {each.stage for each in found.events if isinstance(each, Progress)} >= {"waiting for a board"}
    assert all(sum(f"{name} is not there: " in said for said in logs) == 1 for name in CLIENTS)
