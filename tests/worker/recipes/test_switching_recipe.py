"""What a run of Switching is asked for, and what is refused at the field."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from worker import menu
from worker.switching.asked import Network
from worker.wording import complaint

GIVEN = {"model": "lenet5", "model_2": "resnet20", "dataset": "digits"}
ALONE = "is needed: with one network there is nothing to switch"


@pytest.mark.parametrize(("fields", "where", "said"), [
    ({"model_2": "lenet5"}, "model_2", "is network 1 once more"),
    ({"model_2": "vgg5", "model_4": "vgg5"}, "model_4", "is network 2 once more"),
    ({"model_2": ""}, "model_2", ALONE), ({"model_2": "", "model_3": "vgg5"}, "model_2", ALONE)])
def test_a_network_stands_in_a_set_once(fields: dict[str, str], where: str, said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        menu.get("portfolio.switching").params(**GIVEN | fields)
    (error,) = refused.value.errors()
    assert error["loc"] == (where,) and said in error["msg"]


def test_a_network_alone_is_refused_with_the_reason() -> None:
    recipe = menu.get("portfolio.switching")
    with pytest.raises(ValidationError) as refused:
        recipe.params(model="lenet5", dataset="digits")
    (error,) = refused.value.errors()
    assert error["loc"] == ("model_2",) and complaint(error, recipe.params) == ALONE


def test_further_networks_may_be_left_out_in_between() -> None:
    assert menu.get("portfolio.switching").params(**GIVEN | {"model_4": "vgg5"}).given == ["model", "model_2", "model_4"]


@pytest.mark.parametrize("baselines", ["none", "fixed", "all"])
def test_it_takes_the_trace_once_for_each_way_at_least(baselines: str) -> None:
    params: Any = menu.get("portfolio.switching").params(**GIVEN | {"model_3": "vgg5", "baselines": baselines, "seconds": 20})
    of = [Network(name, name, name, name, 0.9, 1, 1, 1, 1, 1, 1) for name in params.given]
    assert params.at_least_s() == 20 * len(params.asked().ways(of))
