"""What a run of ROMA says: bounded, in the order of the video, and the same again when it goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from worker import menu
from worker.context import Context, RecordingsInput
from worker.detection import playing
from worker.detection.packing import MOST_BOXES, packed
from worker.events import Event, Finished, Metric, Progress
from worker.executor import execute

RECIPE = menu.get("detection.roma")
SHORT = ("small, slow: 45 frames, heights 14 to 28 px, speed 0.01, 8 objects; "
         "large, fast: 45 frames, heights 90 to 180 px, speed 0.08, 8 objects")
INI = "[Sequence]\nname=street\nframeRate=30\nseqLength=60\nimWidth=640\nimHeight=360\n"
LINES = "tiny: 27 ms, h50 55 px, recall 0.9, false positives 0.3; full: 126 ms, h50 20 px, recall 0.95, false positives 0.2"
# What an index of PostgreSQL takes of one entry.
MOST_KEY_BYTES = 2700


def said(folder: Path, **typed: Any) -> list[Event]:
    params = RECIPE.params.model_validate({"scenes": SHORT, "drift": "", **typed})
    events = list(execute(RECIPE, params, Context(folder, seed=params.seed)))
    assert isinstance(events[-1], Finished), events[-1]
    return events


def metrics(events: list[Event], name: str) -> list[Metric]:
    return [event for event in events if isinstance(event, Metric) and event.name == name]


def summary(events: list[Event]) -> dict[str, Any]:
    assert isinstance(events[-1], Finished)
    return events[-1].summary


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    return said(tmp_path_factory.mktemp("short"))


def test_however_long_the_video_so_much_is_said_at_most(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for bound, most in {"MOST_STRETCHES": 6, "MOST_SLOTS": 24, "MOST_DRAWN": 30}.items():
        monkeypatch.setattr(playing, bound, most)
    events = said(tmp_path, scenes="; ".join(f"{name}: 250 frames, heights 8 to 40 px, speed 0.02, 40 objects" for name in "ab"))
    assert len(metrics(events, "scene_boxes")) > 20
    assert len(metrics(events, "scene_boxes")) <= playing.MOST_DRAWN
    assert len(metrics(events, "accuracy_hold")) <= playing.MOST_STRETCHES * 8
    assert len(metrics(events, "serving_s")) <= (playing.MOST_SLOTS + playing.MOST_STRETCHES) * 4
    keys = [event.key for event in events if isinstance(event, Metric)]
    assert len(set(keys)) == len(keys)
    assert max(len(key.encode()) for key in keys) < MOST_KEY_BYTES


def test_the_longest_labels_fit_into_an_index() -> None:
    boxes = np.tile([[1.0, 1, 30, 60]], (300, 1))
    assert len(packed(boxes, 640, 360)) == 8 * MOST_BOXES
    assert 2 * 8 * MOST_BOXES + 4 * 40 + 400 < MOST_KEY_BYTES


def test_packed_boxes_are_where_they_were_to_a_pixel_and_inside_the_picture() -> None:
    text = packed(np.array([[64.0, 36, 100, 200], [-50, 300, 100, 200]]), 640, 360)
    shares = [int(text[at:at + 2], 36) / 1295 for at in range(0, len(text), 2)]
    assert shares == pytest.approx([0.1, 0.1, 164 / 640, 236 / 360, 0, 300 / 360, 50 / 640, 1], abs=1 / 1295)


def test_it_is_told_in_the_order_of_the_video(short: list[Event]) -> None:
    for name in ("scene_boxes", "accuracy_hold", "accuracy_strict"):
        steps = [event.step or 0 for event in metrics(short, name)]
        assert steps == sorted(steps) and steps[-1] > 0


def test_every_frame_of_every_policy_is_in_the_file_of_choices(tmp_path: Path) -> None:
    found = summary(said(tmp_path))
    rows = [line.split(",") for line in (tmp_path / "choices.csv").read_text().splitlines()[1:]]
    assert sum(row[:2] == ["hold", "ROMA"] for row in rows) == found["processed_frames"]
    assert {row[0] for row in rows} == {"hold", "strict"} and {row[1] for row in rows} == set(found["accuracy_hold"])


def test_both_rules_are_told_whichever_is_drawn(tmp_path: Path, short: list[Event]) -> None:
    strict = said(tmp_path, rule="strict")
    assert summary(strict)["accuracy_hold"] == summary(short)["accuracy_hold"]
    assert summary(strict)["accuracy_strict"] == summary(short)["accuracy_strict"]
    assert "strict rule" in summary(strict)["verdict"] and "hold rule" in summary(short)["verdict"]


def test_where_roma_stands_under_the_other_rule_is_said_in_words_alone(tmp_path: Path, short: list[Event]) -> None:
    for events, other in ((short, "strict"), (said(tmp_path, rule="strict"), "hold")):
        found = summary(events)
        accuracy = found[f"accuracy_{other}"]
        best = max(found["served_share"], key=accuracy.__getitem__)
        more = accuracy["ROMA"] - accuracy[best]
        where = "the same as" if abs(more) < 0.005 else "above" if more > 0 else "below"
        assert found["verdict"].endswith(
            f"; under the {other} rule, whose numbers have charts of their own, it is {where} the best single detector, {best}")


@pytest.mark.parametrize("rule", ["hold", "strict"])
def test_without_truth_the_verdict_says_which_rule_it_aims_at(tmp_path: Path, rule: str) -> None:
    place = tmp_path / "street"
    place.mkdir()
    (place / "seqinfo.ini").write_text(INI)
    for name in ("tiny", "full"):
        (place / f"{name}.txt").write_text("".join(f"{frame},-1,{100 + frame},50,40,100,0.9\n" for frame in range(1, 61)))
    params = RECIPE.params.model_validate({"recordings": "street", "detectors": LINES, "drift": "", "rule": rule})
    events = list(execute(RECIPE, params, Context(tmp_path / "run", {"recordings": RecordingsInput("street", place)})))
    assert summary(events)["verdict"].startswith(f"ROMA, aiming at the {rule} rule, would have shown ")


def test_the_whole_video_is_pooled_not_averaged_over_scenes(short: list[Event]) -> None:
    found = {(event.labels["scene"], event.labels["policy"]): event.value for event in metrics(short, "scene_accuracy_hold")}
    assert found["the whole video", "ROMA"] == summary(short)["accuracy_hold"]["ROMA"]
    assert {scene for scene, _ in found} == {"the whole video", "small, slow", "large, fast"}


def test_as_filmed_it_waits_as_long_as_the_video_lasts_and_what_was_seen_is_not_waited_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    now, naps = [0.0], list[float]()
    monkeypatch.setattr(playing.time, "monotonic", lambda: now[0])

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(playing.time, "sleep", sleep)
    params = RECIPE.params.model_validate({"scenes": SHORT, "drift": "", "pace": "as filmed"})
    events, first = execute(RECIPE, params, Context(tmp_path)), list[Event]()
    for event in events:
        first.append(event)
        if isinstance(event, Progress) and event.stage == "frames of the video" and event.done == 60:
            break
    next(events)  # What comes next was asked for when the one before was kept.
    events.close()  # type: ignore[attr-defined]
    assert sum(naps) == pytest.approx(2, abs=0.2)
    naps.clear()
    again = list(execute(RECIPE, params, Context(tmp_path)))
    assert sum(naps) == pytest.approx(1, abs=0.2)
    before, after = ({event.key for event in each if isinstance(event, Metric)} for each in (first, again))
    assert before and before <= after
