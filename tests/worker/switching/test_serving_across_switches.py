"""A real process serves while its network is changed again and again: nothing is lost, doubled, overtaken or wrong."""

from __future__ import annotations

import os
import signal
import statistics
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.portal import until
from tests.worker.switching.servers import FACTORS, image, setup
from worker.reasons import reason
from worker.switching.holding import Residency
from worker.switching.process import ANSWER, SWAPPED, GaveUp, Process

REQUESTS, SWAPS, ON_THE_WAY, PATIENCE_S = 10_000, 100, 32, 60.0
NAMES = list(FACTORS)


@pytest.mark.parametrize("residency", ["resident", "disk", "packed"])
def test_ten_thousand_requests_over_a_hundred_switches(residency: Residency, tmp_path: Path) -> None:
    """Each request is answered once, in its turn, and its answer is that of the network that it names."""
    with Process(setup(tmp_path, residency)) as process:
        process.begin()
        sent = swaps = asked = 0
        numbers, served, swapped = list[int](), list[str](), list[str]()
        while len(numbers) < REQUESTS or swaps < SWAPS:
            while sent < REQUESTS and sent < len(numbers) + ON_THE_WAY:
                if sent % (REQUESTS // SWAPS) == 0:
                    asked += 1
                    process.swap(asked, NAMES[asked % len(NAMES)])
                process.request(sent, image(sent))
                sent += 1
            heard = process.hear(PATIENCE_S)
            assert heard is not None
            facts = heard.frame.facts
            if heard.frame.kind == SWAPPED:
                swaps += 1
                swapped.append(facts["to"])
            elif heard.frame.kind == ANSWER:
                wanted = FACTORS[facts["variant"]] * image(facts["number"])
                assert np.array_equal(heard.frame.tensors["y"], wanted)
                numbers.append(facts["number"])
                served.append(facts["variant"])
        assert numbers == list(range(REQUESTS))
        assert swapped == [NAMES[each % len(NAMES)] for each in range(1, SWAPS + 1)]
        assert process.hear(0.2) is None
        assert all(count > 0 for count in Counter(served).values()) and set(served) == set(NAMES)


@pytest.mark.parametrize("residency", ["resident", "disk", "packed"])
def test_after_a_swap_was_said_every_answer_is_the_new_networks_own(residency: Residency, tmp_path: Path) -> None:
    with Process(setup(tmp_path, residency)) as process:
        process.begin()
        number = 0
        for to in (*NAMES, *reversed(NAMES)):
            process.swap(1, to)
            heard = process.hear(PATIENCE_S)
            assert heard is not None and heard.frame.kind == SWAPPED
            for _ in range(5):
                process.request(number, image(number))
                answered = process.hear(PATIENCE_S)
                assert answered is not None and answered.frame.facts["variant"] == to
                assert np.array_equal(answered.frame.tensors["y"], FACTORS[to] * image(number))
                number += 1


def test_what_is_resident_is_ready_sooner_than_what_is_read_from_disk(tmp_path: Path) -> None:
    def median_ns(residency: Residency) -> float:
        with Process(setup(tmp_path, residency)) as process:
            process.begin()
            took = list[int]()
            for number in range(1, 13):
                process.swap(number, NAMES[number % len(NAMES)])
                heard = process.hear(PATIENCE_S)
                assert heard is not None
                took.append(heard.frame.facts["ready_ns"] - heard.frame.facts["begun_ns"])
            return statistics.median(took)

    assert median_ns("resident") < median_ns("disk")


def test_a_request_waits_no_shorter_because_a_swap_is_under_way(tmp_path: Path) -> None:
    """What was sent before a swap and what was sent after it are answered in the order in which they were sent."""
    with Process(setup(tmp_path, "disk")) as process:
        process.begin()
        for number in range(20):
            process.request(number, image(number))
        process.swap(1, "small")
        for number in range(20, 40):
            process.request(number, image(number))
        kinds, numbers = list[str](), list[int]()
        while len(kinds) < 41:
            heard = process.hear(PATIENCE_S)
            assert heard is not None
            kinds.append(heard.frame.kind)
            if heard.frame.kind == ANSWER:
                numbers.append(heard.frame.facts["number"])
        assert numbers == list(range(40)) and kinds.count(SWAPPED) == 1


def test_a_network_that_cannot_be_loaded_is_told(tmp_path: Path) -> None:
    there = setup(tmp_path, "resident")
    Path(there.files["middle"]).write_bytes(b"no network")
    with Process(there) as process, pytest.raises(GaveUp, match="could not go on: a network of the set cannot be loaded") as gone:
        process.begin()
    assert reason(gone.value) == str(gone.value) and "no network" not in str(gone.value)


@pytest.mark.kill
def test_a_serving_process_that_is_killed_is_known_at_once(tmp_path: Path) -> None:
    with Process(setup(tmp_path, "resident")) as process:
        process.begin()
        os.kill(process.pid, signal.SIGKILL)
        with pytest.raises(GaveUp, match="The serving process is gone") as gone:
            process.hear(PATIENCE_S)
    assert reason(gone.value) == str(gone.value)


@pytest.mark.kill
def test_a_serving_process_ends_when_nobody_drives_it(tmp_path: Path) -> None:
    process = Process(setup(tmp_path, "resident"))
    process.begin()
    process._pair.close()
    try:
        until(lambda: process._child.poll() is not None, 30, "the serving process ended")
    finally:
        process.close()
