"""Scenes, detectors and drifts as people type them, and what is said of lines that are none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from worker.detection import lines

SCENE = "small, fast: 240 frames, heights 14 to 28 px, speed 0.12, 12 objects"
DETECTOR = "full-288: 126 ms, h50 20 px, recall 0.95, false positives 0.2"
OTHER = "tiny: 27 ms, h50 55 px, recall 0.9, false positives 0.3"


@pytest.mark.parametrize(("reader", "text"), [(lines.read_scenes, SCENE), (lines.read_detectors, f"{OTHER}\n{DETECTOR}"),
                                              (lines.read_drift, "8 s to 16.5 s: 2 times; 20 s to 30 s: 0.5 times")])
def test_what_was_read_is_written_as_it_was_typed_and_read_again(reader: Callable[[str], Any], text: str) -> None:
    found = reader(text)
    assert "; ".join(map(str, found)) == text.replace("\n", "; ")
    assert reader("\n".join(map(str, found))) == found


def test_detectors_stand_in_the_order_of_their_latency() -> None:
    assert [each.name for each in lines.read_detectors(f"{DETECTOR}; {OTHER}")] == ["tiny", "full-288"]


def test_a_line_may_leave_out_what_truth_tells_and_a_name_may_have_any_words() -> None:
    text = "tiny: 27 ms; full: latency of yolo on top on pi4"
    found = lines.read_detectors(text)
    assert {(each.name, each.latency_ms, each.of, each.is_described) for each in found} == {
        ("tiny", 27, "", False), ("full", 0, "yolo on top on pi4", False)}
    assert lines.read_detectors("; ".join(map(str, found))) == found


def test_a_line_to_be_completed_is_refused_by_what_is_open_in_it() -> None:
    for has_truth in (True, False):
        with pytest.raises(ValueError, match=r"got 'tiny: \? ms.*a number belongs in place of each \?"):
            lines.read_detectors(f"{lines.to_fill_in('tiny', has_truth=has_truth)}; {DETECTOR}")


def test_no_drift_is_a_drift() -> None:
    assert lines.read_drift("") == lines.read_drift("none") == ()


@pytest.mark.parametrize(("reader", "text", "said"), [
    (lines.read_scenes, "", "has 1 to 20 scenes; got 0"),
    (lines.read_scenes, "a few people", "got 'a few people'; a line is such as 'small, fast: 240 frames"),
    (lines.read_scenes, SCENE.replace("240", "5"), "allowed of frames: a whole number 10 to 10000"),
    (lines.read_scenes, SCENE.replace("240", "40.5"), "allowed of frames: a whole number"),
    (lines.read_scenes, SCENE.replace("14 to 28", "30 to 28"), "allowed of heights: 30 to 324"),
    (lines.read_scenes, SCENE.replace("0.12", "3"), "allowed of speed: 0 to 2"),
    (lines.read_scenes, SCENE.replace("12 objects", "99 objects"), "allowed of objects: a whole number 1 to 40"),
    (lines.read_scenes, f"{SCENE}; {SCENE}", "names 'small, fast' twice"),
    (lines.read_scenes, "; ".join(SCENE.replace("small", str(each)).replace("240", "6000") for each in range(2)), "got 12,000"),
    (lines.read_detectors, DETECTOR, "has 2 to 6 detectors; got 1"),
    (lines.read_detectors, f"{DETECTOR}; fast", "got 'fast'; a line is such as 'full-288: 126 ms"),
    (lines.read_detectors, f"{DETECTOR}; {OTHER.replace('27', '1e999')}", "allowed of ms: 0.1 to 10000"),
    (lines.read_detectors, f"{DETECTOR}; {OTHER.replace('0.9', '1.9')}", "allowed of recall: 0.05 to 1"),
    (lines.read_detectors, f"{DETECTOR}; {OTHER.replace('tiny', 'full-288')}", "names 'full-288' twice"),
    (lines.read_detectors, f"{DETECTOR}; {OTHER.replace('tiny', 'Oracle')}", "calls a detector 'Oracle', as a policy is called"),
    (lines.read_detectors, f"{DETECTOR}; {OTHER.replace('tiny', 'x' * 41)}", "a name has at most 40 characters"),
    (lines.read_detectors, f"{DETECTOR}; ti\u202eny: 1 ms", "has characters that cannot be shown"),
    (lines.read_drift, "later: 2 times", "a line is such as '8 s to 16 s: 2 times', or 'none' the only one"),
    (lines.read_drift, "none; 8 s to 16 s: 2 times", "got 'none'"),
    (lines.read_drift, "8 s to 8 s: 2 times", "allowed of its end: 8.001 to 100000"),
    (lines.read_drift, "8 s to 16 s: 200 times", "allowed of times: 0.1 to 20"),
    (lines.read_drift, "8 s to 16 s: 2 times; 12 s to 20 s: 3 times", "one begins when the one before has ended"),
])
def test_what_is_wrong_is_said_with_what_was_got_and_what_is_allowed(reader: Callable[[str], Any], text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as refused:
        reader(text)
    assert said in str(refused.value)
    assert len(str(refused.value)) < 400
