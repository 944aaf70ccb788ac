"""Where a client hands over elsewhere than in the round before, the log says so, with what changed beside it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.worker.federated.real.three import Ran, course, ran
from worker.events import Log
from worker.federated.course import Course
from worker.federated.trial import Trial
from worker.federated.ways import Chooser, Way
from worker.planning.fleets import Rate

SLOW = (Rate("pi", 1.0, 2, 3), Rate("phone", 20.0, 3, 3))
SAID = ["Round 2: wary chose other offloading points. pi: no offloading, before: behind {cut} (now 1 Mbit/s, before: 50 Mbit/s; "
        "now in group 2, before: 1).",
        "Round 4: wary chose other offloading points. pi: behind {cut}, before: no offloading (now 50 Mbit/s, before: 1 Mbit/s; "
        "now in group 1, before: 2)."]


class Wary(Chooser):
    """Nothing is offloaded over a slow link; `restless`: now here, now there over any other."""

    def __init__(self, restless: bool) -> None:
        self.restless, self.rounds = restless, 0

    def saw(self, cuts: Sequence[int], seconds: Sequence[float]) -> None:
        self.rounds += 1

    def choose(self, trial: Trial) -> Sequence[int]:
        return [1 + (self.restless and self.rounds % 2) if mbps > 5 else len(trial.places) - 1 for mbps in trial.mbps()]

    def groups(self, trial: Trial) -> Sequence[int]:
        return [int(mbps <= 5) for mbps in trial.mbps()]


def wary(rounds: int, *, restless: bool = False) -> Course:
    some: Course = course(rounds=rounds, rates=SLOW)
    some.ways = [Way("wary", Wary(restless))]
    return some


def told(found: Ran) -> list[str]:
    return [each.message for each in found.events if isinstance(each, Log) and "offloading points" in each.message]


def expected(some: Course) -> list[str]:
    return [each.format(cut=some.places[1].after) for each in SAID]


def test_only_rounds_in_which_somebody_hands_over_elsewhere_say_so(tmp_path: Path) -> None:
    some = wary(4)
    assert told(ran(some, tmp_path)) == expected(some)


def test_a_run_that_goes_on_knows_what_was_before(tmp_path: Path) -> None:
    ran(wary(3), tmp_path)
    some = wary(4)
    assert told(ran(some, tmp_path)) == expected(some)[1:]


def test_changes_that_no_link_is_the_reason_of_are_left_to_the_chart(tmp_path: Path) -> None:
    said = told(ran(wary(7, restless=True), tmp_path))
    assert [each.partition(":")[0] for each in said] == ["Round 2", "Round 3", "Round 4", "Round 5"]
