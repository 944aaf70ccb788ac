"""Lines of detectors that do not name what chosen recordings have are offered others; no line typed for one of theirs is."""

from __future__ import annotations

from typing import Any

import pytest

from worker import menu
from worker.params import Refit

PARAMS = menu.get("detection.roma").params
USUAL = {"detectors": PARAMS.model_fields["detectors"].default, "drift": PARAMS.model_fields["drift"].default}
TINY, HUGE = "tiny: 27 ms", "huge: 300 ms"


def refitted(theirs: list[str], /, *, has_truth: bool = True, **values: Any) -> Refit:
    return PARAMS.refitted({**USUAL, **values}, theirs, fps=25.0, has_truth=has_truth)


def test_the_lines_of_the_default_give_way_to_theirs_and_its_drift_with_them() -> None:
    found = refitted(["full", "tiny"])
    assert found.values == {"detectors": "full: ? ms\ntiny: ? ms", "drift": "none"}
    assert found.why == ("The lines of detectors name tiny-288, tiny-416, full-288, full-416, of which the recordings say "
                         "nothing; they have: full, tiny.")
    assert "type it in place of each ?" in found.note and "Left out" not in found.note


def test_a_line_and_a_drift_that_were_typed_stay_and_a_line_that_fits_none_is_told_word_for_word() -> None:
    found = refitted(["full", "tiny"], detectors=f"{HUGE}\r\n{TINY}", drift="1 s to 2 s: 3 times")
    assert found.values == {"detectors": f"{TINY}\nfull: ? ms"}
    assert found.note.endswith(f" Left out, as the recordings say nothing of them: {HUGE}.")


def test_a_detector_that_no_line_names_is_offered_and_nothing_else_is_touched() -> None:
    found = refitted(["full", "tiny"], detectors=TINY)
    assert found.values == {"detectors": f"{TINY}\nfull: ? ms"}
    assert found.why == "The recordings have also full, of which no line of detectors says anything."


@pytest.mark.parametrize("lines", ["tiny: 27 ms\nfull: 126 ms", "full: ? ms; tiny", "full: nonsense\ntiny:"])
def test_nothing_is_offered_where_each_has_its_line_however_wrong(lines: str) -> None:
    assert refitted(["full", "tiny"], detectors=lines) == Refit()


def test_a_run_takes_no_more_than_it_can() -> None:
    many = [f"d{place}" for place in range(8)]
    found = refitted(many, detectors="d7: 27 ms")
    assert found.values["detectors"].splitlines() == ["d7: 27 ms", *(f"d{place}: ? ms" for place in range(5))]
    assert "A run takes at most 6 of their 8 detectors." in found.note
    assert refitted(many, detectors="; ".join(f"d{place}: 9 ms" for place in range(2, 8))) == Refit()


def test_without_truth_a_line_has_room_for_what_its_detector_finds() -> None:
    assert refitted(["full"], has_truth=False).values["detectors"] == "full: ? ms, h50 ? px, recall ?, false positives ?"


def test_other_recipes_offer_nothing() -> None:
    assert menu.get("training.backprop").params.refitted({}, ["full"], fps=25.0, has_truth=True) == Refit()
