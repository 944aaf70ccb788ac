"""A planner's number stands beside the plan and the links of which it was said, and beside no other."""

from __future__ import annotations

import pytest

from worker import menu
from worker.partitioning.slicing.telling import _planned
from worker.planning.parted import Planned, mark, read_links, read_plan

PARAMS = menu.get("partitioning.slices").params
PLAN, LINK = "pi until a; edge", "pi to edge: 20 ms, 5 Mbit/s"
MARK = mark(read_plan(PLAN), read_links(LINK))


def asked(**more: object) -> dict[str, object]:
    return {"model": "m", "dataset": "d", "plan": PLAN, "between": LINK, "planned_ms": 12.5, "planned_for": MARK, **more}


def test_a_mark_is_the_plan_and_the_links_that_it_uses() -> None:
    assert MARK == "pi until a\nedge\npi to edge: 20 ms, 5 Mbit/s"
    assert mark(read_plan("pi until a; edge"), read_links(f"{LINK}; edge to pi: 1 ms, 1 Mbit/s")) == MARK


@pytest.mark.parametrize(("more", "counts"), [
    ({}, True), ({"plan": " pi  until a ;edge "}, True), ({"between": "pi to edge: 0.02 s, 5000 kbit/s"}, True),
    ({"planned_for": ""}, True), ({"plan": "pi until b; edge"}, False), ({"between": "pi to edge: 20 ms, 6 Mbit/s"}, False),
    ({"between": ""}, False), ({"planned_ms": 0}, False)])
def test_it_counts_while_plan_and_links_are_those(more: dict[str, object], counts: bool) -> None:
    params = PARAMS.model_validate(asked(**more))
    assert params.planned.counts == counts
    is_dropped = not counts and params.planned_ms > 0
    assert params.remarks() == (["The planner's 12.5 ms were said of another plan or other links than these, and are left out."]
                                if is_dropped else [])


def test_the_verdict_says_from_what_it_was_planned_and_what_is_left_out() -> None:
    assert _planned(Planned()) == ""
    assert _planned(Planned(12.5)) == " The planner said 12.5 ms, from times of the devices' own profiles."
    assert "from predicted times" in _planned(Planned(12.5, "predicted"))
    other = _planned(Planned(12.5, "measured", is_other=True))
    assert "said of another plan" in other and "said 12.5" not in other
