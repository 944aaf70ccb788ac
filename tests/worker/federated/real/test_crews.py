"""The processes of a run: each is had again when it died, also when the warm process that forks them died with it."""

from __future__ import annotations

import os
import signal
import socket
from dataclasses import replace

import psutil
import pytest

from tests.portal import until
from tests.worker.federated.real.three import DIGITS, course, runs
from worker.federated.real.children import START_S, Nursery
from worker.federated.real.course import Real, RealCourse
from worker.federated.real.crew import MOST_PROCESSES, Crew, Link
from worker.federated.real.setup import Setup
from worker.partitioning.slicing.faults import GaveUp


@pytest.fixture(scope="module")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Setup:
    found: Setup = course(RealCourse, real=Real(DIGITS, tmp_path_factory.mktemp("crew"), 60.0))._setup()
    return found


def test_who_died_is_started_again_and_nobody_else(setup: Setup) -> None:
    with Crew(setup, ["a"], ["pi"]) as crew:
        assert crew.ready() == []
        first = dict(crew.pids)
        assert crew._nursery is not None
        for pid in (crew._nursery.pid, first["a"]):
            os.kill(pid, signal.SIGKILL)
        until(lambda: not crew.runs("a"), 10, "the end of a process")
        (said,) = crew.ready()
        assert said.startswith("a: Its process ") and said.endswith("It is started again.")
        assert crew.pids["a"] != first["a"]
        assert crew.pids["pi"] == first["pi"]
    until(lambda: not any(runs(pid) for pid in first.values()), 10, "the end of all processes")


def test_a_device_without_its_data_is_told_of_and_a_link_is_made_anew_only_when_it_changes(setup: Setup) -> None:
    with Crew(replace(setup, data="nothing"), ["a"], ["pi"]) as crew:
        (said,) = crew.ready()
        assert said.startswith("pi could not be started: There is no data set 'nothing'")
        first = crew.route("pi", "a", Link(10.0, 1.0))
        assert crew.route("pi", "a", Link(10.0, 1.0)) == first
        assert crew.route("pi", "a", Link(20.0, 1.0)) != first


def test_where_nothing_is_emulated_any_more_the_way_is_the_edge_servers_own_again(setup: Setup) -> None:
    with Crew(setup, ["a"], []) as crew:
        crew.ready()
        crew.route("pi", "a", Link(10.0, 0.0))
        relay = crew._relays["pi", "a"][2].pid
        assert crew.route("pi", "a", None) == crew.address("a")
        until(lambda: not psutil.pid_exists(relay), 10, "the end of the emulated link")


def test_an_answer_that_comes_too_late_is_nobody_elses() -> None:
    nursery = Nursery(1)
    try:
        assert nursery.ask(START_S, became=1) == {"code": None, "number": 1}
        os.kill(nursery.pid, signal.SIGSTOP)
        with pytest.raises(TimeoutError):
            nursery.ask(0.1, became=1)
        os.kill(nursery.pid, signal.SIGCONT)
        end, theirs = socket.socketpair()
        with end, theirs:
            assert nursery.ask(START_S, (theirs,), begin=True)["pid"] > 0
    finally:
        nursery.close()


@pytest.mark.parametrize(("devices", "why"), [
    (["a"], "both called a"), ([str(each) for each in range(MOST_PROCESSES)], "at most")])
def test_a_crew_that_cannot_be_is_refused(setup: Setup, devices: list[str], why: str) -> None:
    with pytest.raises(GaveUp, match=why):
        Crew(setup, ["a"], devices)
