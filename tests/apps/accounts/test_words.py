"""Names that people type: what no eye sees goes away, and what is left must be something."""

from __future__ import annotations

import pytest

from apps.accounts.words import plain

INVISIBLE = "\u200b\u202e\u2066\ufeff\u00ad"


@pytest.mark.parametrize(("typed", "kept"), [
    ("  Edge  ", "Edge"), (f"{INVISIBLE}Ed{INVISIBLE}ge ", "Edge"), ("１２", "１２"), ("\u200d a \u200d", "a"),
    ("👩\u200d🔬", "👩\u200d🔬"), ("می\u200cخواهم", "می\u200cخواهم"), ("<b>", "<b>"),
])
def test_a_name_is_kept_as_it_is_seen(typed: str, kept: str) -> None:
    wrong: dict[str, str] = {}
    assert plain("name", typed, 20, wrong) == kept and not wrong


@pytest.mark.parametrize(("typed", "said"), [
    (INVISIBLE, "Fill this in"), ("\u200d\u200c", "Fill this in"), ("\u3000 \u00a0", "Fill this in"),
    ("a\x00b", "cannot be shown"), ("a\nb", "cannot be shown"), ("\ud800", "cannot be shown"),
    ("x" * 21, "At most 20 characters; this has 21"), (None, "text"),
])
def test_what_is_no_name_is_refused_in_a_sentence(typed: object, said: str) -> None:
    wrong: dict[str, str] = {}
    plain("name", typed, 20, wrong)
    assert said in wrong["name"]
