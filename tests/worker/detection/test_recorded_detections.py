"""Recorded detections in the text format of the MOT challenges, good ones and bad ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from worker.detection import mot

INI = "[Sequence]\nname=street\nframeRate=25\nseqLength=3\nimWidth=640\nimHeight=360\n"
BOXES = "1,-1,100,50,40,100,0.9,-1,-1,-1\n1,-1,300,50,40,100,0.95\n\n3,-1,-5,50,40.5,100,0.4\n"
TRUTH = "1,1,100,50,40,100,1,1,0.8\n1,2,300,50,40,100,0,1,1\n2,3,300,50,40,100,1,7,1\n3,1,0,50,40,100,1,1,1\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "seqinfo.ini").write_text(INI)
    (tmp_path / "tiny.txt").write_text(BOXES)
    (tmp_path / "full.txt").write_text("")
    return tmp_path


def test_boxes_come_by_detector_and_frame_the_surest_first(folder: Path) -> None:
    found = mot.read(folder, ["tiny", "full"])
    assert (found.fps, found.width, found.height, found.truth) == (25, 640, 360, None)
    assert [len(each.boxes) for each in found.found[0]] == [2, 0, 1]
    assert found.found[0][0].scores.tolist() == [0.95, 0.9]
    assert found.found[0][2].boxes.tolist() == [[-5, 50, 40.5, 100]]
    assert [len(each.boxes) for each in found.found[1]] == [0, 0, 0]


@pytest.mark.parametrize("place", ["gt.txt", "gt/gt.txt"])
def test_of_the_truth_what_is_not_considered_or_no_pedestrian_is_left_out(folder: Path, place: str) -> None:
    (folder / place).parent.mkdir(exist_ok=True)
    (folder / place).write_text(TRUTH)
    truth = mot.read(folder, ["tiny"]).truth
    assert truth is not None
    assert [each.tolist() for each in truth] == [[[100, 50, 40, 100]], [], [[0, 50, 40, 100]]]


@pytest.mark.parametrize(("line", "said"), [
    ("1,-1,1,2,3", "tiny.txt, line 2: got '1,-1,1,2,3'; a line is such as '1,-1,912,484,97,109,0.9'"),
    ("1,-1,a,2,3,4,0.5", "tiny.txt, line 2: got '1,-1,a,2,3,4,0.5'"),
    ("1,-1,nan,2,3,4,0.5", "tiny.txt, line 2: got"),
    ("0,-1,1,2,3,4,0.5", "tiny.txt, line 2: frame 0; allowed: whole numbers from 1 to 3, as seqinfo.ini says"),
    ("4,-1,1,2,3,4,0.5", "tiny.txt, line 2: frame 4;"),
    ("1.5,-1,1,2,3,4,0.5", "tiny.txt, line 2: frame 1.5;"),
    ("1e300,-1,1,2,3,4,0.5", "tiny.txt, line 2: frame 1e300;"),
    ("1,-1,1,2,0,4,0.5", "tiny.txt, line 2: got '1,-1,1,2,0,4,0.5'; width and height are more than 0"),
    ("1,-1,1e9,2,3,4,0.5", "at most 20,000 px"),
    ("x" * 5000, "tiny.txt, line 2: got 'xxx"),
])
def test_a_line_that_is_none_is_named(folder: Path, line: str, said: str) -> None:
    (folder / "tiny.txt").write_text(f"1,-1,1,2,3,4,0.5\n{line}\n")
    with pytest.raises(ValueError, match=r"\w") as refused:
        mot.read(folder, ["tiny"])
    assert said in str(refused.value) and len(str(refused.value)) < 300


def test_a_frame_with_too_many_boxes_is_refused(folder: Path) -> None:
    (folder / "tiny.txt").write_text("1,-1,1,2,3,4,0.5\n" * 301)
    with pytest.raises(ValueError, match=r"tiny.txt, line 301: frame 1 has more than 300 boxes"):
        mot.read(folder, ["tiny"])


@pytest.mark.parametrize(("ini", "said"), [
    ("", "has a section [Sequence] with frameRate, seqLength, imWidth, imHeight"),
    ("no ini\n===", "seqinfo.ini cannot be read"),
    (INI.replace("seqLength=3", "seqLength=10001"), "seqinfo.ini: seqLength is '10001'; allowed: 1 to 10,000"),
    (INI.replace("seqLength=3", "seqLength=3.5"), "seqLength is '3.5'"),
    (INI.replace("frameRate=25", "frameRate=nan"), "frameRate is 'nan'; allowed: 1 to 1,000"),
    (INI.replace("imWidth=640\n", ""), "imWidth is ''"),
])
def test_what_is_wrong_with_the_description_of_the_sequence_is_said(folder: Path, ini: str, said: str) -> None:
    (folder / "seqinfo.ini").write_text(ini)
    with pytest.raises(ValueError, match=r"\w") as refused:
        mot.read(folder, ["tiny"])
    assert said in str(refused.value)


def test_a_detector_without_a_file_is_named_with_the_files_that_are_there(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"no file 'large.txt' .* there: full.txt, tiny.txt"):
        mot.read(folder, ["large"])


@pytest.mark.parametrize("name", ["../tiny", "/etc/hostname", "sub/tiny"])
def test_a_name_never_leads_out_of_the_folder(folder: Path, name: str) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "tiny.txt").write_text(BOXES)
    (folder.parent / "tiny.txt").write_text(BOXES)
    with pytest.raises(ValueError, match="has no file"):
        mot.read(folder, [name])


def test_what_is_no_text_is_refused(folder: Path) -> None:
    (folder / "tiny.txt").write_bytes(bytes(np.arange(128, 255, dtype=np.uint8)))
    with pytest.raises(ValueError, match=r"tiny.txt is no text"):
        mot.read(folder, ["tiny"])


def test_where_every_confidence_is_minus_one_none_was_said_and_each_box_counts_as_sure(folder: Path) -> None:
    (folder / "tiny.txt").write_text(BOXES.replace(",0.95", ",-1").replace(",0.9", ",-1").replace(",0.4", ",-1"))
    found = mot.read(folder, ["tiny", "full"])
    assert [each.scores.tolist() for each in found.found[0]] == [[1, 1], [], [1]] and found.unsaid == ("tiny",)


def test_among_other_confidences_minus_one_is_a_low_one(folder: Path) -> None:
    (folder / "tiny.txt").write_text(BOXES.replace("0.4", "-1"))
    found = mot.read(folder, ["tiny"])
    assert found.found[0][2].scores.tolist() == [-1] and found.unsaid == ()
