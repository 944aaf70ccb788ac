"""The newest-frame loop: which frames are processed, and what is seen at the others."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from tests.worker.detection.filmed import FPS, footage, machine, video
from worker.detection.newest import seen, shown, taken
from worker.detection.policies.fixed import Fixed
from worker.detection.rehearsal import rehearse

FILMED = video("a: 60 frames, heights 30 to 90 px, speed 0.05, 5 objects")


@pytest.mark.parametrize("latency_s", [0.001, 0.01, 1 / 30, 0.034, 0.05, 0.1, 0.126, 0.216, 0.5])
def test_exactly_the_newest_frames_at_each_completion_are_processed(latency_s: float) -> None:
    found = list(taken(FPS, 300, lambda frame, now: latency_s))
    assert found[0].frame == 0
    for one, other in pairwise(found):
        newest = math.floor(one.done_s * FPS + 1e-6)
        assert other.frame == (newest if newest > one.frame else one.frame + 1)
        assert other.at_s == pytest.approx(max(one.done_s, other.frame / FPS))
    assert math.floor(found[-1].done_s * FPS + 1e-6) >= 300 or found[-1].frame == 299


def test_a_detector_as_fast_as_the_camera_skips_nothing() -> None:
    assert [each.frame for each in taken(FPS, 1000, lambda frame, now: 1 / FPS)] == list(range(1000))


def test_a_skipped_frame_shows_the_very_boxes_of_the_frame_processed_last_before_it() -> None:
    steps = rehearse(Fixed(2), footage(FILMED), machine())
    outputs = seen([step.found for step in steps], shown(steps, FPS, FILMED.frames, "hold"))
    for frame, output in enumerate(outputs):
        assert output is max((step for step in steps if step.frame <= frame), key=lambda step: step.frame).found


def test_under_the_strict_rule_a_frame_shows_the_newest_result_that_was_finished_when_it_came() -> None:
    steps = rehearse(Fixed(2), footage(FILMED), machine())
    places = shown(steps, FPS, FILMED.frames, "strict")
    # 126 ms: frame 0 is finished when frame 4 comes, and frame 3, begun at 126 ms, at 252 ms, before frame 8.
    assert [step.frame for step in steps[:3]] == [0, 3, 7]
    assert places.tolist()[:9] == [-1, -1, -1, -1, 0, 0, 0, 0, 1]
    assert not len(seen([step.found for step in steps], places)[0].boxes)


def test_a_switch_costs_what_it_is_said_to_cost_and_nobody_is_told_that_it_was_the_detectors_own_time() -> None:
    class Turns:
        told: list[float] = []

        def choose(self, frame: int) -> tuple[int, ...]:
            return (len(self.told) % 2,)

        def learn(self, told: object) -> None:
            self.told.append(told.latency_ms[0])  # type: ignore[attr-defined]

    there = machine(20.0, 10.0)
    steps = rehearse(Turns(), footage(FILMED), type(there)(there.nominal_ms, switch_ms=7.0))
    spent = np.array([1e3 * (step.done_s - step.at_s) for step in steps])
    assert spent[:4] == pytest.approx([20, 17, 27, 17])
    assert Turns.told[:4] == [20, 10, 20, 10]
