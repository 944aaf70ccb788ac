"""A run that trains level after level is foretold by the number of its levels."""

from __future__ import annotations

from typing import Any

import pytest

from apps.experiments.forms import form_for
from apps.experiments.promise import promise
from tests.apps.cast import Cast
from tests.apps.experiments import test_form
from worker import menu

RECIPE = "portfolio.dnnshifter"
typed = test_form.typed


@pytest.mark.parametrize(("levels", "said"), [("4", "8 to 12 min"), ("9", "14 to 26 min")])
def test_twice_the_trainings_take_twice_the_time(cast: Cast, typed: dict[str, Any], levels: str, said: str) -> None:
    run = test_form.finished(cast, typed, 600, levels=4, fraction=0.2)
    run.recipe = RECIPE
    run.params = {name: value for name, value in run.params.items() if name != "reference"}
    run.save()
    filled = form_for(menu.get(RECIPE), cast.alice, cast.team)({**typed, "levels": levels, "fraction": "0.2"})
    found = promise(filled, cast.team).cost
    assert found and found.words == said


@pytest.mark.parametrize(("fraction", "sparsity", "said"), [
    ("0.2", "0.875", "10, and the dense network: 11 trainings"), ("0.5", "0.75", "2, and the dense network: 3 trainings"),
    ("0.9", "0.5", "1, and the dense network: 2 trainings"), ("0.2", "0", "1, and the dense network: 2 trainings"),
])
def test_how_many_levels_a_sparsity_takes_is_said(
    cast: Cast, typed: dict[str, Any], fraction: str, sparsity: str, said: str,
) -> None:
    filled = form_for(menu.get("pruning.imp"), cast.alice, cast.team)({**typed, "fraction": fraction, "sparsity": sparsity})
    assert dict(promise(filled, cast.team).settings)["levels"] == said


@pytest.mark.parametrize(("fraction", "sparsity"), [("1", "0.5"), ("", "0.5"), ("x", "0.5"), ("0.2", "1"), ("nan", "inf")])
def test_nothing_is_said_of_levels_that_cannot_be_counted(
    cast: Cast, typed: dict[str, Any], fraction: str, sparsity: str,
) -> None:
    filled = form_for(menu.get("pruning.imp"), cast.alice, cast.team)({**typed, "fraction": fraction, "sparsity": sparsity})
    assert "levels" not in dict(promise(filled, cast.team).settings)
