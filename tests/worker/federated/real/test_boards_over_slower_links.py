"""A bandwidth that is changed while boards learn is emulated on top of their real links, and nothing else changes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from tests.worker.federated.real.boards import kept
from tests.worker.federated.real.three import DIGITS, DRAWING, Ran, course, ran
from worker.events import Log
from worker.federated.real.course import Real, RealCourse
from worker.federated.states import same
from worker.planning.fleets import Rate

pytestmark = pytest.mark.kill
AS_IT_IS, SLOW, AGAIN = 1, 2, 3
MBPS = 2.0
RATES = (Rate("pi", MBPS, SLOW, SLOW),)


@dataclass(frozen=True)
class Both:
    emulated: Ran
    real: Ran


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Both:
    folder = tmp_path_factory.mktemp("boards")
    emulated = ran(course(rounds=AGAIN, rates=RATES, network=DRAWING), folder / "emulated")
    some = course(RealCourse, rounds=AGAIN, rates=RATES, network=DRAWING, real=Real(DIGITS, folder))
    with kept(some, folder) as boards:
        some.real = replace(some.real, members=[each.member for each in boards.values()])
        return Both(emulated, ran(some, folder / "real"))


def test_its_messages_take_as_long_as_that_bandwidth_lets_them(both: Both) -> None:
    [sent] = [each.value for each in both.real.metrics("link_bytes", SLOW) if str(each.labels["link"]).startswith("pi, ")]
    [took] = [each.value for each in both.real.metrics("round_seconds", SLOW)]
    assert sent and took and took > 0.8 * 8 * sent / (MBPS * 1e6)


def test_only_what_is_emulated_is_drawn(both: Both) -> None:
    drawn = {number: [(each.labels["client"], each.value) for each in both.real.metrics("bandwidth_mbps", number)]
             for number in (AS_IT_IS, SLOW, AGAIN)}
    assert drawn == {AS_IT_IS: [], SLOW: [("pi", MBPS)], AGAIN: []}


def test_the_log_says_from_when_on_it_is_emulated_and_until_when(both: Both) -> None:
    said = [each.message for each in both.real.events if isinstance(each, Log) and " link" in each.message]
    assert said == ["Round 2: emulated on top of real links: pi 2 Mbit/s.",
                    "Round 3: all links to boards are the real ones alone again."]


def test_the_weights_are_the_same_bit_for_bit(both: Both) -> None:
    assert len(both.real.states) == AGAIN
    assert all(same(*each) for each in zip(both.emulated.states, both.real.states, strict=True))
