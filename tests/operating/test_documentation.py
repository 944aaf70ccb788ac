"""docs/operating.md names every variable that the code reads, and none that it does not."""

from __future__ import annotations

import re
from pathlib import Path

from django.core.management import get_commands

from tests.operating.variables import documented, read_by_the_code

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "operating.md"


def test_every_variable_is_documented_and_none_is_invented() -> None:
    said, used = documented(), read_by_the_code()
    assert len(said) == len(set(said)), "each has one row"
    assert used - set(said) == set(), "not documented"
    assert set(said) - used == set(), "documented, but nothing reads it"


def test_every_command_and_file_that_the_page_names_is_there() -> None:
    text = PAGE.read_text()
    commands = set(re.findall(r"manage\.py (\w+)", text))
    assert commands and commands <= set(get_commands())
    for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", text):
        assert (PAGE.parent / link).exists(), link
    for rule in set(re.findall(r"edgeportal\.[EW]\d+", text)):
        assert f'id="{rule}"' in (ROOT / "edgeportal" / "checks.py").read_text()
