"""Detections of a real video, recorded in the format of the MOT challenges, given to ROMA in a terminal."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.worker.detection.filmed import DETECTORS, footage, video

Said = tuple[int, str, str]
FRAMES = 120
LINES = "; ".join(map(str, DETECTORS))


def write(folder: Path, *, with_truth: bool = True) -> Path:
    """An emulated video as if it had been recorded."""
    filmed = video(f"street: {FRAMES} frames, heights 40 to 160 px, speed 0.03, 9 objects")
    (folder / "seqinfo.ini").write_text(f"[Sequence]\nname=street\nframeRate=30\nseqLength={FRAMES}\nimWidth=640\nimHeight=360\n")
    for detector, found in zip(DETECTORS, footage(filmed).found, strict=True):
        (folder / f"{detector.name}.txt").write_text("".join(
            f"{frame},-1,{','.join(f'{number:.2f}' for number in box)},{score:.4f},-1,-1,-1\n"
            for frame, each in enumerate(found, 1) for box, score in zip(each.boxes, each.scores, strict=True)))
    if with_truth:
        (folder / "gt.txt").write_text("".join(
            f"{frame},{place},{','.join(f'{number:.2f}' for number in box)},1,1,1\n"
            for frame, boxes in enumerate(filmed.truth, 1) for place, box in enumerate(boxes, 1)))
    return folder


def ended(out: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


def test_where_the_truth_is_known_the_rest_of_the_video_is_judged(cli: Callable[..., Said], tmp_path: Path) -> None:
    code, out, _ = cli("run", "detection.roma", "--recordings", str(write(tmp_path)), "--detectors", LINES, "--drift", "",
                       "--calibration", "0.25")
    found = ended(out)["summary"]
    assert code == 0 and found["frames"] == 90 and found["detections"] == "recorded" and found["clock"] == "emulated"
    assert set(found["accuracy_hold"]) == {*(each.name for each in DETECTORS), "TOD", "periodic profiling", "ROMA", "oracle"}
    assert "recorded boxes, emulated times" in found["verdict"]
    assert "Detections are recorded, what they take is emulated." in out


def test_without_truth_it_is_told_who_would_be_chosen_and_that_nobody_knows_how_good_that_is(
    cli: Callable[..., Said], tmp_path: Path,
) -> None:
    code, out, _ = cli("run", "detection.roma", "--recordings", str(write(tmp_path, with_truth=False)), "--detectors", LINES)
    found = ended(out)["summary"]
    assert code == 0 and found["frames"] == FRAMES and "accuracy_hold" not in found
    assert "how accurate that is nobody knows without truth" in found["verdict"]
    assert sum(found["served_share"].values()) == pytest.approx(1, abs=1e-3)
    assert '"name":"serving_s"' in out and '"name":"accuracy_hold"' not in out and '"truth"' not in out


def test_with_truth_name_and_time_are_enough_of_a_line_and_without_they_are_not(cli: Callable[..., Said], tmp_path: Path) -> None:
    short = "; ".join(f"{each.name}: {each.latency_ms:g} ms" for each in DETECTORS)
    words = ["run", "detection.roma", "--drift", "none", "--recordings", str(write(tmp_path)), "--detectors"]
    code, out, _ = cli(*words, short)
    assert code == 0 and ended(out)["summary"]["accuracy_hold"] == ended(cli(*words, LINES)[1])["summary"]["accuracy_hold"]
    (tmp_path / "gt.txt").unlink()
    code, out, err = cli(*words, short)
    assert code == 2 and not out and err.startswith("detectors: ")
    assert "where recordings have no truth a line says h50" in err


def test_a_line_of_which_the_recordings_say_nothing_is_refused_before_anything_runs(
    cli: Callable[..., Said], tmp_path: Path,
) -> None:
    words = ["run", "detection.roma", "--recordings", str(write(tmp_path)), "--out", str(tmp_path / "out"), "--detectors"]
    code, out, err = cli(*words, LINES.replace("tiny-416", "tiny-999"))
    assert code == 2 and not out and not (tmp_path / "out").exists()
    assert err.startswith("detectors: names 'tiny-999', of which the recordings say nothing; they have: full-")
    (tmp_path / "empty").mkdir()
    code, _, err = cli("run", "detection.roma", "--recordings", str(tmp_path / "empty"), "--detectors", LINES)
    assert code == 2 and err.endswith("they have: none\n")


def test_a_bad_line_ends_the_run_with_the_file_and_the_line(cli: Callable[..., Said], tmp_path: Path) -> None:
    (write(tmp_path) / "tiny-416.txt").write_text("1,-1,10,10,20,40,0.9\n1,-1,10,10,20\n")
    code, out, _ = cli("run", "detection.roma", "--recordings", str(tmp_path), "--detectors", LINES)
    assert code == 1
    assert ended(out)["reason"].startswith("tiny-416.txt, line 2: got '1,-1,10,10,20'; a line is such as")


def test_detectors_without_confidences_are_judged_by_all_their_boxes_and_it_is_said(
    cli: Callable[..., Said], tmp_path: Path,
) -> None:
    file = write(tmp_path) / "tiny-416.txt"
    file.write_text(re.sub(r",[\d.]+,-1,-1,-1\n", ",-1,-1,-1,-1\n", file.read_text()))
    code, out, _ = cli("run", "detection.roma", "--recordings", str(tmp_path), "--detectors", LINES, "--drift", "none")
    assert code == 0 and ended(out)["summary"]["accuracy_hold"]["tiny-416"] > 0.3
    assert "Without confidences (-1 throughout): tiny-416. Each of these boxes counts as sure (1)." in out


def test_a_detector_that_is_never_sure_enough_to_be_shown_is_warned_of(cli: Callable[..., Said], tmp_path: Path) -> None:
    file = write(tmp_path) / "tiny-416.txt"
    file.write_text(re.sub(r",[\d.]+,-1,-1,-1\n", ",0.2,-1,-1,-1\n", file.read_text()))
    code, out, _ = cli("run", "detection.roma", "--recordings", str(tmp_path), "--detectors", LINES, "--drift", "none")
    assert code == 0 and "tiny-416: no box has a confidence of 0.3 or more, the highest is 0.2: none of it is shown." in out


def test_inspect_calls_recordings_as_their_file_is_called(cli: Callable[..., Said], tmp_path: Path) -> None:
    (tmp_path / "street").mkdir()
    write(tmp_path / "street")
    packed = shutil.make_archive(str(tmp_path / "my street"), "zip", tmp_path, "street")
    code, out, _ = cli("inspect", packed)
    assert code == 0 and (ended(out)["name"], ended(out)["file"]) == ("my street.zip", packed)
    _, out, _ = cli("inspect", packed, "--out", str(tmp_path / "out"))
    assert ended(out)["name"] == "my street.zip" and (tmp_path / "out" / ended(out)["file"]).is_file()


def test_a_zip_is_taken_as_its_folder_is(cli: Callable[..., Said], tmp_path: Path) -> None:
    (tmp_path / "street").mkdir()
    words = ["run", "detection.roma", "--detectors", LINES, "--recordings"]
    _, folder, _ = cli(*words, str(write(tmp_path / "street")))
    code, packed, _ = cli(*words, shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path, "street"))
    assert code == 0 and ended(packed)["summary"] == ended(folder)["summary"]


def test_other_recordings_in_the_same_folder_are_another_run(cli: Callable[..., Said], tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    words = ["run", "detection.roma", "--recordings", str(write(tmp_path / "given")), "--out", str(tmp_path / "out"),
             "--detectors", LINES]
    assert cli(*words)[0] == 0
    with (tmp_path / "given" / "full-288.txt").open("a") as file:
        file.write("1,-1,10,10,20,40,0.9\n")
    code, _, err = cli(*words)
    assert code == 2 and "holds another run" in err


def test_a_recipe_that_takes_none_and_what_is_no_recording_are_refused(cli: Callable[..., Said], tmp_path: Path) -> None:
    code, _, err = cli("run", "training.backprop", "--recordings", str(tmp_path))
    assert code == 2 and "--recordings: training.backprop has no such parameter" in err
    (tmp_path / "notes.md").write_text("no archive")
    for wrong in ("none", "notes.md", "a" * 5000):
        code, _, err = cli("run", "detection.roma", "--recordings", str(tmp_path / wrong))
        assert code == 2 and "recordings: got " in err and "allowed: a folder or a zip of the MOT format" in err
