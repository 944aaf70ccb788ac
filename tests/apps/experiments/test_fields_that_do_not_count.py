"""Where several values are tried, a field does not count only if it counts with none of them."""

from __future__ import annotations

import pytest

from apps.experiments.unused import counting, unused_beside
from worker import menu

SWITCHING = menu.get("portfolio.switching").params
OF_SHAPES = {"seconds", "arrivals_per_s", "deadline_ms", "burst", "slower"}


@pytest.mark.parametrize(("trace", "idle"), [("burst", {"lines"}), ("lines", OF_SHAPES),
                                             (["steady", "burst"], {"lines"}), (["lines", "burst"], set())])
def test_lines_of_a_trace_count_where_one_of_the_traces_is_theirs(trace: str | list[str], idle: set[str]) -> None:
    assert set(unused_beside(SWITCHING, {"trace": trace})) == idle


def test_many_values_of_other_fields_change_nothing() -> None:
    values = {"trace": "burst", "residency": ["disk", "packed"], "baselines": ["none", "all"], "model": []}
    assert unused_beside(SWITCHING, values) == unused_beside(SWITCHING, {"trace": "burst"}) != {}


def test_a_recipe_all_of_whose_fields_count_says_nothing() -> None:
    assert unused_beside(menu.get("pruning.magnitude").params, {"start": ["given", "initialisation"]}) == {}


def test_of_values_those_that_count_are_kept_and_what_has_to_be_said() -> None:
    values = {"trace": "burst", "seconds": 5.0, "lines": "1 at once"}
    assert counting(SWITCHING, values, values) == {"trace": "burst", "seconds": 5.0}
    assert counting(SWITCHING, values, {**values, "trace": ["burst", "lines"]}) == values
