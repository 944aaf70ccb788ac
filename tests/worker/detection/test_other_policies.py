"""What ROMA is held against: TOD, profiling from time to time, and the oracle."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from tests.worker.detection.filmed import FPS, footage, known, machine, perfect, video
from worker.detection.accuracy import judge
from worker.detection.boxes import Detections
from worker.detection.oracle import oracle
from worker.detection.policies.periodic import Periodic, agreement
from worker.detection.policies.roma import Roma
from worker.detection.policies.tod import Tod, tuned
from worker.detection.rehearsal import Footage, Policy, Told, rehearse
from worker.detection.study import Labelled, judged

FILMED = video("a: 150 frames, heights 14 to 28 px, speed 0.01, 8 objects;"
               "b: 150 frames, heights 90 to 180 px, speed 0.08, 8 objects")
PICTURE = float(FILMED.width * FILMED.height)


def share(height: float) -> Detections:
    return Detections.of([[10, 10, 0.5 * height, height]], [0.9])


@pytest.mark.parametrize(("height", "detector"), [(40, 3), (60, 2), (100, 1), (300, 0)])
def test_tod_takes_a_lighter_detector_for_larger_objects(height: float, detector: int) -> None:
    tod = Tod([0.005, 0.01, 0.05], PICTURE, 0.3)
    tod.learn(Told(0, (3,), (share(height),), (1.0,)))
    assert tod.choose(1) == (detector,)


def test_tod_keeps_what_it_had_where_nothing_is_seen() -> None:
    tod = Tod([0.005, 0.01, 0.05], PICTURE, 0.3)
    tod.learn(Told(0, (3,), (share(300),), (1.0,)))
    tod.learn(Told(1, (0,), (Detections(),), (1.0,)))
    assert tod.choose(2) == (0,)


def test_tuned_thresholds_rise_and_score_no_worse_than_those_it_began_with() -> None:
    watched, tried = Labelled(footage(FILMED), FILMED.truth), []

    def score(tod: Tod) -> float:
        tried.append((judged(rehearse(tod, watched.footage, machine()), watched, "hold").whole or 0, tod.thresholds))
        return tried[-1][0]

    found = tuned(watched.footage, PICTURE, 0.3, score)
    assert len(found) == 3 and list(found) == sorted(found)
    assert {thresholds: value for value, thresholds in tried}[found] == max(tried)[0]


def test_profiling_pays_for_all_detectors_and_shows_the_heaviest_ones_boxes() -> None:
    steps = rehearse(Periodic(4, 60, 0.3), footage(FILMED), machine())
    profiled = [step for step in steps if step.done_s - step.at_s > 0.4]
    assert all(step.done_s - step.at_s == pytest.approx((27 + 40 + 126 + 216) / 1e3) for step in profiled)
    assert all(step.detector == 3 for step in profiled)
    assert len(profiled) >= 4 and all(other.frame - one.frame >= 60 for one, other in pairwise(profiled))


def test_profiling_settles_on_the_cheapest_detector_that_agrees_with_the_heaviest() -> None:
    every = perfect(FILMED.truth)
    none = [Detections()] * FILMED.frames
    steps = rehearse(Periodic(4, 60, 0.3), Footage([none, every, every, every], FPS), machine())
    assert {step.detector for step in steps[1:] if step.done_s - step.at_s < 0.4} == {1}


def test_agreement_counts_pairs_over_all_boxes() -> None:
    boxes = np.array([[0, 0, 10, 20.0], [100, 0, 10, 20]])
    assert agreement(boxes, boxes) == 1
    assert agreement(boxes[:1], boxes) == pytest.approx(2 / 3)
    assert agreement(boxes, boxes[:0]) == 0 and agreement(boxes[:0], boxes[:0]) == 1


def test_the_oracle_takes_of_each_stretch_the_best_of_it() -> None:
    one, other = perfect(FILMED.truth), [Detections()] * 150 + perfect(FILMED.truth)[150:]
    first = [*one[:150], *other[:150]]
    alone = [judge(each, FILMED.truth) for each in (first, other)]
    assert oracle(alone, 150).detectors == [0, 1]
    assert [oracle(alone, 150).choose(frame) for frame in (0, 149, 150, 299)] == [(0,), (0,), (1,), (1,)]


@pytest.mark.parametrize("policy", [lambda: Roma(known(), machine().nominal_ms, FPS), lambda: Periodic(4, 60, 0.3),
                                    lambda: Tod([0.001, 0.01, 0.02], PICTURE, 0.3)])
def test_the_same_footage_gives_the_same_choices(policy: object) -> None:
    def chosen() -> list[tuple[int, float, int]]:
        made: Policy = policy()  # type: ignore[operator]
        return [(step.frame, step.done_s, step.detector) for step in rehearse(made, footage(FILMED), machine())]

    assert chosen() == chosen()
