"""Means and spreads: which runs are taken together, and how a deviation is written."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from apps.experiments.models import Run
from apps.experiments.reading import Result
from apps.experiments.spread import Spread, changed, combined


def run(number: int, recipe: str = "pruning.random", live: dict[str, Any] | None = None, **params: Any) -> Run:
    return Run(pk=uuid4(), number=number, recipe=recipe, params={"seed": number, **params}, live_params=live or {})


def numbers(runs: list[Run], rows: dict[Any, list[Result]], *fields: str) -> list[list[int]]:
    return [[each.number for each, _ in found.rows] for found in combined(runs, rows, fields)]


def one(name: str = "pruned", accuracy: float = 0.9, **more: Any) -> list[Result]:
    return [Result(name, accuracy=accuracy, **more)]


def test_seeds_of_two_recipes_with_the_same_parameters_stay_apart() -> None:
    runs = [run(1), run(2), run(3, "pruning.magnitude"), run(4, "pruning.magnitude")]
    assert numbers(runs, {each.pk: one() for each in runs}) == [[1, 2], [3, 4]]


def test_a_run_whose_parameter_was_changed_while_it_went_on_stands_apart_and_is_named() -> None:
    runs = [run(1, rate=0.1), run(2, rate=0.1), run(3, live={"rate": 0.5}, rate=0.1)]
    assert numbers(runs, {each.pk: one() for each in runs}) == [[1, 2], [3]]
    assert changed(runs) == ["rate was changed while run 3 went on: they stand apart"]


def test_the_fp32_form_is_one_star_over_all_runs_that_judged_it_alike() -> None:
    runs = [run(1, images=32), run(1, images=64)]
    rows = {each.pk: [*one("int8"), *one("fp32", 0.95)] for each in runs}
    assert [(each.name, each.is_reference, len(each.rows)) for each in combined(runs, rows, ["images"])] == [
        ("fp32", True, 2), ("int8", False, 1), ("int8", False, 1)]


@pytest.mark.parametrize(("mean", "sd", "said"), [
    (0.0120, 0.00004, "<0.0001"), (0.0120, 0.00006, "0.0001"), (0.0120, 0.0, "0.0000"), (12.3, 0.04, "<0.1"), (12.3, 0.34, "0.3"),
    (1500.0, 0.3, "<1"), (0.0, 0.1, "0.100")])
def test_a_deviation_that_is_there_is_never_written_as_nothing(mean: float, sd: float, said: str) -> None:
    assert Spread(2, mean, sd).beside == said


def test_a_deviation_in_percent_is_never_written_as_nothing() -> None:
    assert Spread(2, 0.9, 0.0002).beside_percent == "<0.1\u00a0%"
    assert Spread(2, 0.9, 0.0707).beside_percent == "7.1\u00a0%"
    assert Spread(1, 0.9, None).beside_percent == ""


def test_the_latency_of_the_dense_network_scatters_over_all_its_timings_not_over_means_of_seeds() -> None:
    runs = [run(number, images=images) for number in (1, 2) for images in (32, 64)]
    rows = {each.pk: one("fp32", 0.95, latency_ms=latency) for each, latency in zip(runs, (1.0, 3.0, 1.0, 3.0), strict=True)}
    [dense] = combined(runs, rows, ["images"])
    timed, judged = dense.of("latency_ms"), dense.of("accuracy")
    assert timed and (timed.n, timed.mean) == (4, 2.0) and timed.sd and timed.sd > 1.0
    assert judged and (judged.n, judged.sd) == (2, 0.0)


def test_a_combination_is_noisy_when_any_of_its_timings_is() -> None:
    runs = [run(1), run(2)]
    rows = {each.pk: one(latency_ms=1.0, latency_noisy=each is runs[1]) for each in runs}
    [found] = combined(runs, rows, [])
    assert found.noise == "noisy timing"
    assert [each.noise for each in combined(runs[:1], rows, [])] == [""]
