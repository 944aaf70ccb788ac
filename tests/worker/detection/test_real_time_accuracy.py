"""Average precision, by hand and by its promises."""

from __future__ import annotations

import numpy as np
import pytest

from tests.worker.detection.filmed import FPS, NOMINAL_MS, footage, known, machine, moved, perfect, video
from worker.detection.accuracy import judge
from worker.detection.boxes import Detections, iou
from worker.detection.newest import RULES, seen, shown
from worker.detection.policies.fixed import Fixed
from worker.detection.policies.roma import Roma
from worker.detection.rehearsal import rehearse
from worker.detection.study import Labelled, judged

ONE = np.array([[100.0, 50.0, 40.0, 100.0]])
TWO = np.concatenate([ONE, moved(ONE, 200)])
FILMED = video("a: 90 frames, heights 20 to 120 px, speed 0.05, 8 objects;"
               "b: 60 frames, heights 90 to 180 px, speed 0.1, 4 objects")


@pytest.mark.parametrize("widths", [0.0, 0.1, 1 / 3, 0.5, 0.99, 1.0, 2.0])
def test_a_box_moved_by_a_share_of_its_width_overlaps_as_the_formula_says(widths: float) -> None:
    assert iou(ONE, moved(ONE, 40 * widths)) == pytest.approx(max(0, (1 - widths) / (1 + widths)))


def test_average_precision_of_three_boxes_and_two_objects_by_hand() -> None:
    wrong = moved(ONE, 400)
    # In the order of scores: hit, wrong, hit. Precision 1 at half of the objects, 2/3 at all of them.
    found = Detections.of(np.concatenate([TWO, wrong]), [0.9, 0.5, 0.7])
    assert judge([found], [TWO]).whole == pytest.approx((1 + 2 / 3) / 2)


def test_an_object_is_hit_once_and_by_the_box_with_the_better_score() -> None:
    found = Detections.of(np.concatenate([ONE, moved(ONE, 2)]), [0.6, 0.9])
    assert judge([found], [ONE]).hits.tolist() == [True, False]
    assert judge([found], [ONE]).scores.tolist() == [0.9, 0.6]


def test_frames_are_pooled_not_averaged() -> None:
    # One object found in a frame of its own, four missed in another: a fifth of the objects, not half of the frames.
    four = np.concatenate([TWO, moved(TWO, 0, 150)])
    assert judge([Detections.of(ONE, [0.9]), Detections()], [ONE, four]).whole == pytest.approx(0.2)


def test_where_nothing_is_there_nothing_is_said() -> None:
    empty = np.zeros((0, 4))
    assert judge([Detections.of(ONE, [0.9])], [empty]).whole is None


def test_a_perfect_detector_is_perfect_and_boxes_that_scatter_too_much_are_not() -> None:
    assert judge(perfect(FILMED.truth), FILMED.truth).whole == 1
    off = [Detections.of(moved(boxes, 0, 0.6 * boxes[:, 3].max()), np.ones(len(boxes))) for boxes in FILMED.truth]
    assert (judge(off, FILMED.truth).whole or 0) < 0.5


def test_many_frames_are_judged_like_each_alone() -> None:
    found = footage(FILMED).found[1]
    each = [judge([one], [truth]) for one, truth in zip(found, FILMED.truth, strict=True)]
    assert np.concatenate([one.hits for one in each]).tolist() == judge(found, FILMED.truth).hits.tolist()


@pytest.mark.parametrize("latency_ms", [1.0, 15.0, 1e3 / FPS])
def test_where_every_detector_keeps_up_real_time_accuracy_is_offline_accuracy_and_the_most_accurate_is_picked(
    latency_ms: float,
) -> None:
    watched, fast = footage(FILMED), machine(*[latency_ms] * 4)
    for place, found in enumerate(watched.found):
        steps = rehearse(Fixed(place), watched, fast)
        assert judged(steps, Labelled(watched, FILMED.truth), "hold").whole == judge(found, FILMED.truth).whole
    roma = Roma(known(), fast.nominal_ms, FPS)
    rehearse(roma, watched, fast)
    assert roma.accuracy() == pytest.approx(roma.sizes.precision())
    assert int(np.argmax(roma.relative())) == int(np.argmax(roma.sizes.precision()))


def test_the_strict_rule_never_sees_more_than_the_hold_rule_of_fresh_boxes() -> None:
    watched, truth = footage(FILMED), FILMED.truth
    for place in range(len(NOMINAL_MS)):
        steps = rehearse(Fixed(place), watched, machine())
        frames = np.array([*(step.frame for step in steps), -1000])
        ages = {rule: np.arange(FILMED.frames) - frames[shown(steps, FPS, FILMED.frames, rule)] for rule in RULES}
        assert (ages["hold"] <= ages["strict"]).all()
        hold = judge(seen([step.found for step in steps], shown(steps, FPS, FILMED.frames, "hold")), truth)
        assert (judged(steps, Labelled(watched, truth), "hold").whole or 0) == hold.whole
