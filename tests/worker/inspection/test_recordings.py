"""Archives of recorded detections: what becomes of good ones, and the file and the line of what is wrong with bad ones."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.worker.inspection import made, recorded
from tests.worker.inspection.desk import Desk
from tests.worker.inspection.recorded import FILES, LINE, archive
from worker.detection import mot
from worker.firstlook import Unfit, look
from worker.inspection.order import RecordingsFound, Unclear


def found(desk: Desk, body: bytes, **more: object) -> RecordingsFound:
    answer = desk.dataset(desk.file(body, "street.zip"), **more)
    assert isinstance(answer, RecordingsFound)
    return answer


@pytest.mark.parametrize("around", ["", "MOT17-05/", "data/MOT17-05/"])
@pytest.mark.parametrize("inside", ["", "det/"])
def test_detectors_frames_boxes_and_truth_are_told_whatever_folders_lie_around_them(desk: Desk, around: str, inside: str) -> None:
    moved = {name: f"{around}{inside if name in ('tiny.txt', 'full.txt') else ''}{name}" for name in FILES}
    told = found(desk, made.folder({moved[name]: body for name, body in FILES.items()})).recorded
    assert told.model_dump() == {"frames": 3, "fps": 25, "width": 640, "height": 360, "detectors": {"full": 1, "tiny": 2},
                                 "truth": 2}


def test_the_file_of_the_house_is_read_as_the_one_that_came_and_is_the_same_whoever_packed_it(desk: Desk) -> None:
    found(desk, archive())
    house = desk.folder / "out" / "recordings.zip"
    body, read = house.read_bytes(), mot.read(house, ["tiny", "full"])
    assert [len(each.boxes) for each in read.found[0]] == [1, 0, 1]
    assert read.truth and [len(each) for each in read.truth] == [1, 1, 0]
    found(desk, made.folder({f"a/{name}": each.replace(b"\n", b"\r\n") for name, each in reversed(FILES.items())},
                            zipfile.ZIP_DEFLATED))
    assert house.read_bytes() == body
    again = found(desk, body)
    assert house.read_bytes() == body and not again.notes


def test_without_truth_it_is_said_what_cannot_be_told(desk: Desk) -> None:
    told = found(desk, archive(gt___gt__txt=None))
    assert told.recorded.truth is None and any("how accurate that is cannot" in note for note in told.notes)


def test_without_a_description_the_picture_and_the_rate_are_asked_for_once(desk: Desk) -> None:
    body = archive(seqinfo__ini=None)
    with pytest.raises(Unclear, match=r"no seqinfo.ini: say how large the picture is") as asked:
        found(desk, body)
    assert asked.value.mend == "footage"
    told = found(desk, body, footage=(640, 360, 29.97))
    assert (told.recorded.width, told.recorded.fps, told.recorded.frames) == (640, 29.97, 3)
    assert any("ends with the last frame in which something was found" in note for note in told.notes)
    assert mot.read(desk.folder / "out" / "recordings.zip", ["tiny"]).fps == 29.97


def test_what_its_description_says_counts_and_that_it_does_is_said(desk: Desk) -> None:
    told = found(desk, archive(), footage=(1920, 1080, 30))
    assert told.recorded.width == 640 and any("640x360 px at 25 frames/s, which counts" in note for note in told.notes)


def test_pictures_of_the_frames_beside_it_are_not_used_and_that_is_said(desk: Desk) -> None:
    frames = {f"MOT/img1/{n:06}.jpg": b"x" for n in range(3)}
    told = found(desk, made.folder(frames | {f"MOT/{name}": body for name, body in FILES.items()}))
    assert told.notes == ["Not used: 3 other files, such as MOT/img1/000000.jpg."]


def test_what_operating_systems_leave_behind_is_no_detector(desk: Desk) -> None:
    litter = {"__MACOSX/._tiny.txt": b"\x00\x05", ".hidden.txt": b"x", "det/.DS_Store": b"x"}
    assert set(found(desk, made.folder(FILES | litter)).recorded.detectors) == {"tiny", "full"}


def test_a_detector_that_found_nothing_is_warned_of(desk: Desk) -> None:
    assert found(desk, archive(full__txt=b"")).notes == ["Warning: full.txt has no box: this detector found nothing."]


def test_of_a_detector_without_confidences_it_is_said_what_its_boxes_count_as(desk: Desk) -> None:
    body = archive(tiny__txt=LINE.replace(b"0.9", b"-1") * 2)
    assert found(desk, body).notes == ["tiny.txt: every confidence is -1, which says in this format that none was given, as of "
                                       "trackers and of the truth: each box counts as sure (1)."]
    assert found(desk, archive(tiny__txt=LINE.replace(b"0.9", b"-1") + LINE)).notes == []


def test_confidences_that_no_run_can_show_are_warned_of(desk: Desk) -> None:
    (note,) = found(desk, archive(tiny__txt=LINE.replace(b"0.9", b"-1.5") + LINE.replace(b"0.9", b"-0.2"))).notes
    assert note.startswith("Warning: tiny.txt: every confidence is below 0 (-1.5 to -0.2)")
    assert "bring confidences between 0 and 1" in note


BAD: dict[str, tuple[Callable[[], bytes], str]] = {
    "a line of words": (lambda: archive(tiny__txt=LINE + b"one box\n"), "tiny.txt, line 2: got 'one box'; a line is such as"),
    "no number": (lambda: archive(tiny__txt=b"1,-1,nan,50,40,100,0.9\n"), "tiny.txt, line 1: got '1,-1,nan"),
    "more than any number": (lambda: archive(tiny__txt=b"1,-1,1e999,50,40,100,0.9\n"), "tiny.txt, line 1: got '1,-1,1e999"),
    "a huge number": (lambda: archive(tiny__txt=b"1,-1,1e30,50,40,100,0.9\n"), "all four at most 20,000 px"),
    "a number of a thousand digits": (lambda: archive(tiny__txt=b"1,-1,%b,50,40,100,0.9\n" % (b"9" * 1000)), "tiny.txt, line 1"),
    "a number with an underscore": (lambda: archive(tiny__txt=b"1,-1,1_0,50,40,100,0.9\n"), "tiny.txt, line 1: got '1,-1,1_0"),
    "digits of another script": (lambda: archive(tiny__txt="1,-1,١,50,40,100,0.9\n".encode()), "tiny.txt, line 1: got"),
    "a negative width": (lambda: archive(tiny__txt=b"1,-1,100,50,-40,100,0.9\n"), "width and height are more than 0"),
    "no height": (lambda: archive(tiny__txt=b"1,-1,100,50,40,0,0.9\n"), "width and height are more than 0"),
    "frame 0": (lambda: archive(tiny__txt=b"0,-1,100,50,40,100,0.9\n"), "frame 0; allowed: whole numbers from 1 to 3, as"),
    "a frame behind the last": (lambda: archive(full__txt=LINE + b"\n4,-1,1,5,4,1,0.9\n"), "full.txt, line 3: frame 4; allowed"),
    "half a frame": (lambda: archive(full__txt=b"1.5,-1,1,5,4,1,0.9\n"), "full.txt, line 1: frame 1.5"),
    "too few numbers": (lambda: archive(full__txt=b"1,-1,1,5,4,1\n"), "at least seven numbers, parted by commas"),
    "other signs between": (lambda: archive(full__txt=b"1;-1;1;5;4;1;0.9\n"), "full.txt, line 1"),
    "too many boxes": (lambda: archive(full__txt=LINE * 301), "full.txt, line 301: frame 1 has more than 300 boxes"),
    "a bad line of the truth": (lambda: archive(gt___gt__txt=b"1,1,a\n"), "gt.txt, line 1: got '1,1,a'"),
    "no text": (lambda: archive(full__txt=bytes(range(128, 255))), "full.txt is no text"),
    "zeros": (lambda: archive(full__txt=bytes(5000)), "full.txt, line 1: got"),
    "one line of a megabyte": (lambda: archive(full__txt=b"1," * 500_000), "full.txt, line 1: got '1,1,1"),
    "frames that are no number": (lambda: archive(seqinfo__ini=recorded.INI.replace(b"=3", b"=many")), "seqLength is 'many'"),
    "a rate that is no number": (lambda: archive(seqinfo__ini=recorded.INI.replace(b"=25", b"=nan")), "frameRate is 'nan'"),
    "a rate below 0": (lambda: archive(seqinfo__ini=recorded.INI.replace(b"=25", b"=-25")), "frameRate is '-25'; allowed: 1 to"),
    "more frames than are read": (lambda: archive(seqinfo__ini=recorded.INI.replace(b"=3", b"=99999")), "allowed: 1 to 10,000"),
    "a picture without end": (lambda: archive(seqinfo__ini=recorded.INI.replace(b"=640", b"=1e30")), "imWidth is '1e30'"),
    "a description that is none": (lambda: archive(seqinfo__ini=b"\x00[[["), "seqinfo.ini cannot be read"),
    "one detector": (lambda: archive(full__txt=None), "2 to 20 detectors, a .txt file each; this archive has 1: tiny.txt"),
    "no detector": (lambda: archive(full__txt=None, tiny__txt=None), "this archive has 0: none"),
    "too many detectors": (lambda: archive(**{f"d{n}__txt": LINE for n in range(30)}), "this archive has 32"),
    "a policy's name": (lambda: made.folder(FILES | {"roma.txt": LINE}), "'roma.txt' is no name for a detector"),
    "a name that parts lines": (lambda: made.folder(FILES | {"a;b.txt": LINE}), "'a;b.txt' is no name for a detector"),
    "a name that turns the text": (lambda: made.folder(FILES | {"a\u202eb.txt": LINE}), "'a?b.txt' is no name for a detector"),
    "a name without end": (lambda: made.folder(FILES | {f"{'a' * 100}.txt": LINE}), "at most 40 characters"),
    "two of one name": (lambda: made.folder(FILES | {"det/tiny.txt": LINE}), "tiny.txt and det/tiny.txt would be one file"),
    "two that differ in capitals": (lambda: made.folder(FILES | {"det/TINY.txt": LINE}), "differ in capitals alone"),
    "no box at all": (lambda: archive(full__txt=b"", tiny__txt=b"\n\n"), "None of the files of detections has a box"),
    "a name that leads out": (lambda: made.folder(FILES | {"../up.txt": LINE}), "that leads out of it"),
    "a name from the root": (lambda: made.folder(FILES | {"/etc/up.txt": LINE}), "that leads out of it"),
    "an archive in it": (lambda: made.folder(FILES | {"more.zip": b"PK"}), "holds another archive"),
    "a bomb": (lambda: made.folder(FILES | {"a.txt": bytes(300_000_000)}, zipfile.ZIP_DEFLATED), "times as many are unpacked"),
    "more text than is read": (lambda: made.folder(FILES | {"long.txt": LINE * 2_300_000}), "long.txt is larger than 50 MB"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_wrong_is_said_in_one_sentence_with_the_file_and_the_line(desk: Desk, case: str) -> None:
    make, words = BAD[case]
    with pytest.raises(Unfit) as told:
        desk.dataset(desk.file(make(), "street.zip"))
    said = str(told.value)
    assert words in said and said.endswith(".") and "\n" not in said and len(said) < 400
    assert not (desk.folder / "out" / "recordings.zip").exists()


def test_the_first_look_knows_them_by_their_names(tmp_path: Path) -> None:
    body = archive()
    assert look("dataset", "street.zip", body, len(body)) == "recorded detections"
    assert look("dataset", "street.zip", body[:200], len(body)) == "recorded detections", "seqinfo.ini comes first"
    words = made.folder({"words.txt": b"n1\tcat", "notes.txt": b"x"})
    assert look("dataset", "tiny.zip", words[:60], 10**6) == "", "pictures may follow"
    with pytest.raises(Unfit, match="and so do recorded detections"):
        tape = made.tape(FILES, folders=False)
        look("dataset", "street.tar.gz", tape, len(tape))
