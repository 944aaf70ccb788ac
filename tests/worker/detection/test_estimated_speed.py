"""Speed from boxes alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.worker.detection.filmed import footage, known, machine, moved, perfect, video
from worker.detection.memory import Memory
from worker.detection.policies.fixed import Fixed
from worker.detection.rehearsal import Footage, rehearse
from worker.detection.speed import Speed, matched

KNOWN = known()


def estimated(speed: float, gap_ms: float, heights: str = "40 to 120") -> tuple[float, float]:
    """The estimate, and the median of what these objects really move by, to the side in widths, up and down in heights."""
    filmed = video(f"a: 240 frames, heights {heights} px, speed {speed}, 9 objects", seed=11)
    steps = np.diff([boxes[:, :2] for boxes in filmed.truth], axis=0) / filmed.truth[0][:, 2:]
    true = float(np.median(np.linalg.norm(steps, axis=2)))
    found = Speed(replace(KNOWN, wobble=np.zeros(4)), Memory())
    for step in rehearse(Fixed(0), Footage([perfect(filmed.truth)], filmed.fps), machine(gap_ms)):
        found.learn(step.frame, step.found, 0)
    return found.sides_per_frame, true


@pytest.mark.parametrize("gap_ms", [10, 66, 120])
@pytest.mark.parametrize("speed", [0.01, 0.05, 0.15])
def test_of_a_perfect_detector_the_speed_is_within_a_tenth_of_the_truth(speed: float, gap_ms: float) -> None:
    found, true = estimated(speed, gap_ms)
    assert found == pytest.approx(true, rel=0.1)
    # The scene's line says widths along its way: these objects are somewhat slower, and do not all go straight to the side.
    assert true == pytest.approx(speed, rel=0.15)


@pytest.mark.parametrize(("right", "down"), [(8.0, 0.0), (0.0, 20.0)])
def test_a_fifth_of_its_side_is_as_far_to_the_right_as_down_as_it_is_for_overlap(right: float, down: float) -> None:
    found = Speed(replace(KNOWN, wobble=np.zeros(4)), Memory())
    row = np.array([[150.0 * place, 0, 40, 100] for place in range(5)])
    for frame in range(60):
        found.learn(frame, perfect([moved(row, right * frame, down * frame)])[0], 0)
    assert found.sides_per_frame == pytest.approx(0.2, rel=0.01)


@pytest.mark.parametrize("detector", range(4))
def test_boxes_that_scatter_around_what_stands_still_are_not_taken_for_speed(detector: int) -> None:
    filmed = video("a: 240 frames, heights 90 to 180 px, speed 0, 10 objects")
    found, steps = Speed(KNOWN, Memory()), rehearse(Fixed(detector), footage(filmed), machine())
    squares = []
    for step in steps:
        found.learn(step.frame, step.found, detector)
        squares.append(found.square)
    assert abs(np.mean(squares[len(squares) // 4:])) < KNOWN.wobble[detector] / 4


def test_a_speed_of_which_nothing_is_concluded_any_more_fades_so_that_who_sees_more_is_tried_again() -> None:
    found = Speed(KNOWN, Memory(10))
    row = np.array([[100.0 * place, 0, 40, 100] for place in range(5)])
    for frame in range(12):
        found.learn(frame, perfect([moved(row, 8.0 * frame)])[0], 3)
    believed = found.sides_per_frame
    found.learn(71, perfect([np.zeros((0, 4))])[0], 0)
    assert believed > 0.15 and found.sides_per_frame == pytest.approx(believed * np.exp(-0.5))
    for frame in range(72, 80):
        found.learn(frame, perfect([moved(row, 8.0 * frame)])[0], 3)
    assert found.sides_per_frame == pytest.approx(believed, rel=0.05)


def test_boxes_of_unlike_heights_and_far_ones_are_no_pairs() -> None:
    one = np.array([[0, 0, 40, 100.0]])
    assert len(matched(one, one * [[1, 1, 1, 1.5]], 8)[0]) == 0
    assert len(matched(one, moved(one, 201), 30)[0]) == 0
    assert len(matched(one, moved(one, 199), 30)[0]) == 1
    assert len(matched(one, moved(one, 199), 1)[0]) == 0


def test_each_box_is_in_one_pair_at_most_and_the_nearest_first() -> None:
    before = np.array([[0, 0, 40, 100.0], [30, 0, 40, 100.0]])
    pairs = matched(before, np.array([[28, 0, 40, 100.0]]), 1)
    assert pairs[0].tolist() == [[30, 0, 40, 100]]


def test_of_fewer_than_three_pairs_nothing_is_concluded() -> None:
    found = Speed(KNOWN, Memory())
    before = found.square
    boxes = perfect([np.array([[0, 0, 40, 100.0], [300, 0, 40, 100.0]])])[0]
    for frame in range(0, 30, 3):
        found.learn(frame, boxes, 0)
    assert found.square == before
