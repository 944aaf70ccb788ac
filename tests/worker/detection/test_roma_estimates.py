"""What ROMA's estimates promise, whatever their form."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.worker.detection.filmed import FPS, NOMINAL_MS, known
from worker.detection.boxes import Detections
from worker.detection.degradation import Degradation, Linear, Logistic, survival
from worker.detection.newest import RULES, Rule
from worker.detection.policies.roma import Knobs, Roma
from worker.detection.rehearsal import Told

FORMS = [Logistic(), Logistic(20, 1.0), Linear(), Linear(4)]
KNOWN = known()
every_form = pytest.mark.parametrize("form", FORMS, ids=str)


def roma(form: Degradation, speed: float = 0.05, scale: float = 1.0, aim: Rule = "hold", slowdown: float = 1.0) -> Roma:
    made = Roma(replace(KNOWN, precision=scale * KNOWN.precision), NOMINAL_MS, FPS, Knobs(form=form, aim=aim))
    made.speed.square, made.slowdown = speed ** 2, slowdown
    return made


@every_form
@pytest.mark.parametrize("aim", RULES)
def test_of_what_stands_still_the_most_accurate_is_best_however_slow_it_is(form: Degradation, aim: Rule) -> None:
    still = roma(form, speed=0.0, aim=aim, slowdown=50)
    assert still.accuracy() == pytest.approx(still.sizes.precision())


@every_form
def test_accuracy_never_rises_with_speed_or_with_latency(form: Degradation) -> None:
    table = np.array([[survival(form, frames, speed) for frames in np.linspace(0.1, 40, 200)] for speed in np.linspace(0, 1, 41)])
    assert (np.diff(table, axis=0) <= 1e-12).all() and (np.diff(table, axis=1) <= 1e-12).all()
    assert table.max() == 1 and table.min() >= 0


@every_form
@pytest.mark.parametrize("scale", [0.1, 0.5, 3.0])
def test_scaling_what_is_known_of_all_detectors_changes_no_choice(form: Degradation, scale: float) -> None:
    for speed in (0.0, 0.02, 0.1, 0.5):
        assert roma(form, speed, scale).relative() == pytest.approx(roma(form, speed).relative())


@every_form
@pytest.mark.parametrize("aim", RULES)
def test_twice_the_latency_never_makes_a_slower_detector_the_best(form: Degradation, aim: Rule) -> None:
    for speed in np.linspace(0, 0.5, 51):
        for times in (1.0, 1.5, 2.0, 3.0):
            one, other = (roma(form, float(speed), aim=aim, slowdown=each) for each in (times, 2 * times))
            assert np.argmax(other.accuracy()) <= np.argmax(one.accuracy())


def test_a_slow_down_seen_on_one_detector_is_one_of_all() -> None:
    made = roma(Logistic(), speed=0.03)
    before = made.accuracy()
    for frame in range(20):
        made.learn(Told(10 * frame, (3,), (Detections(),), (3 * NOMINAL_MS[3],)))
    assert made.slowdown == pytest.approx(3, rel=1e-3)
    assert (made.accuracy() < before).all()


def test_another_detector_has_to_be_better_by_the_margin_and_the_one_in_use_stays_for_its_dwell() -> None:
    made = Roma(KNOWN, NOMINAL_MS, FPS, Knobs(margin=0.03, dwell=2))
    made.speed.square = 0.2 ** 2
    assert [made.choose(0), made.choose(0)] == [(3,), (3,)]
    for frame in (0, 7):
        made.learn(Told(frame, (3,), (Detections(),), (NOMINAL_MS[3],)))
    assert made.choose(14) == (int(np.argmax(made.relative())),) != (3,)
    stays = Roma(KNOWN, NOMINAL_MS, FPS, Knobs(margin=1e6, dwell=0))
    stays.speed.square = 0.2 ** 2
    assert stays.choose(0) == (3,)


def test_an_empty_frame_keeps_the_last_estimates() -> None:
    made = roma(Logistic())
    before = made.sizes.shares.copy(), made.speed.square
    made.learn(Told(0, (0,), (Detections(),), (NOMINAL_MS[0],)))
    assert (made.sizes.shares == before[0]).all() and made.speed.square == before[1]


def test_what_a_detector_is_blind_to_counts_for_what_it_misses() -> None:
    boxes = np.array([[0, 0, 0.41 * height, height] for height in (35.0, 35.0, 150.0, 150.0)])
    shares = {}
    for detector in (0, 3):
        made = roma(Logistic())
        made.sizes.learn(0, Detections.of(boxes, np.ones(4)), detector)
        shares[detector] = made.sizes.shares
    small = int(KNOWN.bins(np.array([35.0]))[0])
    assert shares[0][small] > 0.75 > 0.55 > shares[3][small] >= 0.5
