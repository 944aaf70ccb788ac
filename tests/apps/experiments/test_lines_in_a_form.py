"""Fields of several lines: as high as what stands in them, and lines again where a run is repeated."""

from __future__ import annotations

from apps.experiments.fields import MOST_ROWS, field_for, initial
from worker import menu

ROMA, SLICES = menu.get("detection.roma"), menu.get("partitioning.slices")


def test_a_field_of_lines_is_as_high_as_its_default_within_bounds() -> None:
    from apps.accounts.models import User

    rows = {name: field_for(ROMA.params, name, User(), None).widget.attrs["rows"] for name in ("scenes", "detectors", "drift")}
    assert rows == {"scenes": 6, "detectors": 4, "drift": 3}
    assert max(rows.values()) <= MOST_ROWS


def test_what_was_kept_in_one_line_stands_as_lines_again_and_means_the_same() -> None:
    kept = ROMA.params.model_validate({"drift": "1 s to 2 s: 2 times\n3 s to 4 s: 2 times"}).model_dump()
    assert kept["drift"] == "1 s to 2 s: 2 times; 3 s to 4 s: 2 times"
    shown = initial(ROMA, kept)
    assert shown["drift"].splitlines() == ["1 s to 2 s: 2 times", "3 s to 4 s: 2 times"]
    assert len(shown["scenes"].splitlines()) == 6
    assert ROMA.params.model_validate(shown).model_dump() == kept


def test_other_texts_keep_their_semicolons() -> None:
    assert initial(SLICES, {"planned_from": "not; said"}) == {"planned_from": "not; said"}
    assert initial(SLICES, {"plan": "pi until pool1; edge"}) == {"plan": "pi until pool1\nedge"}
