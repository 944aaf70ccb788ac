"""Tags are free words without what cannot be seen: at most ten, at most 40 characters each."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.refusal import Refused
from apps.experiments import actions
from apps.experiments.tags import LONGEST, clean, words_of
from tests.apps.cast import Cast


@pytest.mark.parametrize(("typed", "kept"), [
    (["baseline, paper ", "baseline"], ["baseline", "paper"]), (["Paper", "paper"], ["Paper"]), ([" , ,"], []),
    (["a\u200bb\x00c\u202e"], ["abc"]), (["\ud800x"], ["x"]), (["two\n  words"], ["two words"]), (["\u200b"], []),
    (["<b>", "=1+1"], ["<b>", "=1+1"]),
])
def test_words_are_parted_cleaned_and_kept_once(typed: list[str], kept: list[str]) -> None:
    assert words_of(typed) == kept


@pytest.mark.parametrize("typed", ["x" * 41, "y" * 10_000_000])
def test_a_long_one_is_refused_with_both_numbers(typed: str) -> None:
    with pytest.raises(Refused, match=f"at most 40 characters; .* has {len(typed):,}"):
        words_of([typed])


def test_the_eleventh_is_refused() -> None:
    with pytest.raises(Refused, match="at most 10 tags; these are 11"):
        words_of([", ".join(map(str, range(11)))])


@given(st.text())
def test_whatever_is_typed_can_be_kept(text: str) -> None:
    kept = clean(text)
    assert kept.encode() is not None and "\x00" not in kept and clean(kept) == kept


def test_a_tag_is_added_and_taken_away(cast: Cast) -> None:
    experiment = cast.run().experiment
    actions.tag(cast.ruth, experiment, "baseline, paper")
    actions.tag(cast.ruth, experiment, "Paper")
    experiment.refresh_from_db()
    assert experiment.tags == ["baseline", "paper"]
    actions.untag(cast.ruth, experiment, "baseline")
    experiment.refresh_from_db()
    assert experiment.tags == ["paper"] and LONGEST == 40
