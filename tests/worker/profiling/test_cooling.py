"""The gate opens when the machine is as it was at rest, or at its limit; and says which."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.worker.profiling.clocks import Paper, busy
from worker.profiling.cooling import Waited, cooled
from worker.profiling.sensors import Reading

REST = Reading(temperature_c=45.0, clock_cap_mhz=1800.0)


def through(readings: Callable[[float], Reading], limit_s: float = 10.0, rest: Reading = REST) -> tuple[Waited, Paper]:
    paper = Paper(readings=readings)
    waiting = cooled(rest, limit_s=limit_s, instruments=paper.instruments)
    while True:
        try:
            next(waiting)
        except StopIteration as end:
            return end.value, paper


def test_a_machine_at_rest_is_not_waited_for() -> None:
    found, paper = through(lambda seconds: REST)
    assert found.left == () and found.told == "" and sum(paper.slept) <= 0.1


def test_a_hot_one_is_waited_for_until_it_is_within_three_degrees() -> None:
    found, _ = through(lambda seconds: Reading(temperature_c=55.0 - 2 * seconds))
    assert found.left == () and 3.5 <= found.seconds <= 4.2
    assert found.told == f"Waited {found.seconds:.1f} s until the machine was at rest."


def test_at_its_limit_it_opens_and_says_what_was_left() -> None:
    found, _ = through(lambda seconds: Reading(temperature_c=60.0, throttled=("throttled",)), limit_s=2.0)
    assert found.seconds == pytest.approx(2.0, abs=0.51)
    assert found.told.startswith("After 2.") and found.told.endswith(
        "the machine still says: throttled and the processor is still at 60 °C, 45 °C at rest; measured all the same.")


def test_a_clock_that_is_held_down_is_waited_for() -> None:
    found, _ = through(lambda seconds: Reading(clock_cap_mhz=1800.0 if seconds > 3 else 1200.0))
    assert found.left == () and 3.0 < found.seconds < 4.0


@pytest.mark.parametrize(("processors", "left"), [
    (0.1, ()), (0.9, ("other work still takes 0.9 processors",))])
def test_other_work_is_waited_for_to_end(processors: float, left: tuple[str, ...]) -> None:
    assert through(busy(processors), limit_s=3.0)[0].left == left


def test_what_no_sensor_tells_is_not_waited_for() -> None:
    assert through(lambda seconds: Reading())[0].left == ()


def test_without_a_limit_nobody_looks() -> None:
    found, paper = through(busy(2.0), limit_s=0)
    assert found == Waited(0.0, ()) and paper.slept == []
