"""A recipe that needs links and no profiles: from a table, from the file of a run, or typed; what is missing is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worker.recipes.measured import linked
from worker import menu
from worker.context import ProfilesInput
from worker.flags import Refused, given_profiles, read, refuse_lacking
from worker.planning.parted import between

RECIPE = menu.get("partitioning.slices")
PLAN = "slow until pool1; fast"
TABLE = "source,destination,ping(ms),bandwidth(mbps)\nslow,fast,12,34\n"


def judged(plan: str, said: str = "", *, links: Path | None = None, profiles: Path | None = None) -> list[str]:
    """The links that a run would use, as the terminal resolves them."""
    words = ["--model", "lenet5", "--dataset", "digits", "--plan", plan, *(["--between", said] if said else [])]
    params = read(RECIPE, words)
    inputs = given_profiles(RECIPE, profiles, links)
    refuse_lacking(RECIPE, params, inputs)
    given = inputs["profiles"]
    assert isinstance(given, ProfilesInput)
    return [str(link) for link in between(params.parts, params.said_links, given.evidence)[0]]  # type: ignore[attr-defined]


def test_links_come_from_a_table(tmp_path: Path) -> None:
    (tmp_path / "network.csv").write_text(TABLE)
    assert judged(PLAN, links=tmp_path / "network.csv") == ["slow to fast: 12 ms, 34 Mbit/s"]


def test_links_come_from_the_file_of_a_run(tmp_path: Path) -> None:
    (tmp_path / "profiles.json").write_text(linked().model_dump_json())
    assert judged(PLAN, profiles=tmp_path / "profiles.json") == ["slow to fast: 0.5 ms, 50 Mbit/s"]


def test_what_is_typed_wins_and_needs_no_table() -> None:
    assert judged(PLAN, "slow to fast: 1 s, 2 kbit/s") == ["slow to fast: 1000 ms, 0.002 Mbit/s"]


def test_a_link_that_nobody_knows_is_named() -> None:
    with pytest.raises(Refused, match="between: What lies between slow to fast is not known"):
        judged(PLAN)


@pytest.mark.parametrize(("plan", "said", "line"), [
    ("slow", "slow to fast: 1 ms, 1 Mbit/s", "between: got 'slow to fast'"), ("", "", "plan: is empty"),
    ("slow; fast", "", "plan: got 'slow' as line 1 of 2")])
def test_what_cannot_be_read_is_one_line_at_its_field(plan: str, said: str, line: str) -> None:
    with pytest.raises(Refused, match=line):
        judged(plan, said)
