"""Rounds over real processes come to the weights of emulated ones, bit for bit, whoever moves, errs, vanishes or is silent."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, field, replace

import pytest

from tests.portal import strain, until
from tests.worker.federated.real.three import BATCHES, CLIENTS, DIGITS, Ran, course, ran, runs
from worker.events import Progress
from worker.federated.course import Course
from worker.federated.real.course import Real, RealCourse
from worker.federated.states import same
from worker.planning.fleets import Fault, Move, Rate

PATIENCE_S, SHORT_S = 60.0, 8.0
SILENT, EDGE_DIES, LAST = 7, 8, 9
MOVES = (Move(1, 0.5, "pi", "b"), Move(2, 0.0, "pi", "a"), Move(3, 1.0, "pi", "b"), Move(5, 0.5, "pi", "a"))
FAULTS = (Fault("phone", "sends NaN", 4, 4), Fault("alone", "sends an old round", 4, 4), Fault("phone", "sends twice", 5, 5),
          Fault("pi", "sends wrong shapes", 5, 5), Fault("alone", "vanishes", 6, 6))
# To the emulated run, whoever does not come in has vanished.
LOST = (Fault("phone", "vanishes", SILENT, SILENT), Fault("alone", "vanishes", EDGE_DIES, EDGE_DIES))
# Links on which nobody is done before something is done to it.
SLOW = (Rate("phone", 0.5, SILENT, SILENT), Rate("alone", 0.5, EDGE_DIES, EDGE_DIES))
SAID = {1: "a move in the middle", 2: "a move behind the first batch", 3: "a move behind the last batch",
        4: "numbers that are none, and an old round", 5: "twice, and wrong shapes, and a move", 6: "a device that vanishes",
        SILENT: "a device that is silent", EDGE_DIES: "an edge server that dies", LAST: "everybody again"}


@dataclass
class Meddler:
    """Stops a device for good, kills an edge server: each once, when its round has begun."""

    begun: int = 0
    pids: set[int] = field(default_factory=set)

    def __call__(self, some: Course, event: Progress) -> None:
        assert isinstance(some, RealCourse)
        pids, number = some.running.crew.pids, some.done + 1
        self.pids.update(pids.values())
        if event.stage != "rounds":
            self.begun = number
            some.real = replace(some.real, patience_s=max(SHORT_S, 4 * strain()) if number == SILENT else PATIENCE_S)
        elif self.begun == number in (SILENT, EDGE_DIES):
            self.begun = 0
            os.kill(*((pids["phone"], signal.SIGSTOP) if number == SILENT else (pids["b"], signal.SIGKILL)))


@dataclass(frozen=True)
class Both:
    emulated: Ran
    real: Ran
    pids: frozenset[int]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    folder, meddler = tmp_path_factory.mktemp("rounds"), Meddler()
    emulated = ran(course(rounds=LAST, moves=MOVES, faults=(*FAULTS, *LOST)), folder / "emulated")
    real = course(RealCourse, rounds=LAST, moves=MOVES, faults=FAULTS, rates=SLOW, real=Real(DIGITS, folder, PATIENCE_S))
    return Both(emulated, ran(real, folder / "real", meddler), frozenset(meddler.pids))


@pytest.mark.parametrize("number", SAID, ids=SAID.values())
def test_the_weights_are_those_of_the_emulated_round(both: Both, number: int) -> None:
    emulated, real = both.emulated, both.real
    assert len(emulated.states) == len(real.states) == LAST
    assert same(emulated.states[number - 1], real.states[number - 1])


@pytest.mark.parametrize("number", [4, 5])
def test_what_is_refused_is_told_in_the_same_words(both: Both, number: int) -> None:
    emulated, real = both.emulated, both.real
    assert real.logs(number) == emulated.logs(number)
    assert len(real.logs(number)) == 2


@pytest.mark.parametrize(("number", "who"), [(6, "alone"), (SILENT, "phone"), (EDGE_DIES, "alone")])
def test_who_does_not_come_in_is_told_and_takes_part_again(both: Both, number: int, who: str) -> None:
    real = both.real
    assert any(f"nothing came from {who}" in said for said in real.logs(number))
    assert not any("nothing came from" in said and who in said for said in real.logs(number + 1))


@pytest.mark.parametrize(("number", "who"), [(SILENT, "alone"), (LAST, "b")])
def test_a_process_that_was_killed_is_started_again_and_that_is_told(both: Both, number: int, who: str) -> None:
    assert any(f"{who}: Its process was killed by SIGKILL. It is started again." in said for said in both.real.logs(number))


@pytest.mark.parametrize(("number", "after"), [(1, BATCHES // 2), (2, 1), (3, BATCHES), (5, BATCHES // 2)])
def test_a_move_carries_the_bytes_of_the_emulated_one_in_measured_seconds(both: Both, number: int, after: int) -> None:
    (emulated,), (real,) = (each.metrics("moved_bytes", number) for each in (both.emulated, both.real))
    assert real.labels["after"] == after
    assert real.value == emulated.value
    (seconds,) = both.real.metrics("moved_seconds", number)
    assert seconds.value is not None and 0 < seconds.value < both.real.metrics("round_seconds", number)[0].value  # type: ignore[operator]


def test_a_clients_lanes_fill_the_round(both: Both) -> None:
    real = both.real
    (whole,) = real.metrics("round_seconds", 1)
    for client in CLIENTS:
        lanes = [each.value for each in real.metrics("lane_seconds", 1) if each.labels["client"] == client]
        assert sum(filter(None, lanes)) == pytest.approx(whole.value)


def test_bytes_over_a_link_are_counted_and_not_less_than_planned(both: Both) -> None:
    planned, counted = ({each.labels["link"]: each.value for each in one.metrics("link_bytes", LAST)}
                        for one in (both.emulated, both.real))
    assert planned.keys() == counted.keys()
    for link, value in planned.items():
        assert value is not None and counted[link] is not None
        assert value < counted[link] < 1.2 * value  # type: ignore[operator]


def test_no_process_is_left(both: Both) -> None:
    assert len(both.pids) == len(CLIENTS) + 2 + len(("alone, killed", "phone, silent", "b, killed", "alone, lost with b"))
    until(lambda: not any(runs(pid) for pid in both.pids), 10, "the end of all processes")
