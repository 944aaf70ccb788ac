"""The parts of the training bench on a small network: its figures outlive a stop, and are of what a run of the recipe does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from bench import budgets, training
from bench.budgets import BACKPROP, CHECKPOINTING, NEUROFLUX, Broke, images, tried, work
from bench.figures import Cell, Figures, Found
from worker import datasets
from worker.context import DatasetInput
from worker.datasets import Data
from worker.datasets.data import PartName
from worker.events import Event
from worker.training.limits import over_time

LENET = {"network": "lenet5", "budget_mb": 3.0, "most_batch": 256}
RACE = LENET | {"part": "target", "method": BACKPROP, "epochs": 4, "learning_rate": 0.05, "target": 0.5, "cap_s": 60}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def figures(tmp_path: Path) -> Figures:
    return Figures(tmp_path / "figures.jsonl")


def squared(cell: Cell) -> Found:
    return {"square": cell["number"] ** 2}


def refused(cell: Cell) -> Found:
    raise AssertionError(f"{cell} was measured again")


def test_a_figure_is_measured_once_and_outlives_a_line_cut_short(figures: Figures) -> None:
    cells = [{"number": number} for number in (3, 1, 2)]
    assert [found["square"] for _, found in figures.measured(cells, squared, 2)] == [9, 1, 4]
    with figures.file.open("a") as lines:
        lines.write('\n{"cell": {"numb')
    again = Figures(figures.file)
    assert [found["square"] for _, found in again.measured(cells, refused, 1)] == [9, 1, 4]
    again.here({"number": 5}, squared)
    assert Figures(figures.file).known({"number": 5})["square"] == 25  # type: ignore[index]


def test_a_figure_of_yesterday_is_measured_again(figures: Figures, monkeypatch: pytest.MonkeyPatch) -> None:
    figures.here({"number": 5}, squared)
    monkeypatch.setattr("bench.figures.FRESH_S", 0.0)
    assert Figures(figures.file).known({"number": 5}) is None


def distinct(data: Data, part: PartName) -> set[bytes]:
    return {bytes(image.numpy().tobytes()) for image in torch.as_tensor(data.parts[part].images)}


def test_settings_are_chosen_by_images_that_do_not_judge_what_is_measured_by_them() -> None:
    measured = distinct(images(), "validation")
    for seed in (1, 2):
        data = tried(seed)
        train, judging = (distinct(data, part) for part in ("train", "validation"))
        assert len(data.parts["train"]) == 800 and len(data.parts["validation"]) == 457
        assert not judging & measured and not judging & train
    assert not torch.equal(tried(1).parts["train"].images, tried(2).parts["train"].images)


def test_what_a_fold_neither_trains_on_nor_tests_judges_its_exits() -> None:
    fold = images(2)
    assert sum(map(len, fold.parts.values())) == sum(map(len, datasets.load(DatasetInput("digits32")).parts.values()))
    train, judging, tested = (distinct(fold, part) for part in ("train", "validation", "test"))
    assert not train & judging and not judging & tested


def test_every_fold_has_800_training_images_and_none_of_its_test_images_among_them() -> None:
    whole = datasets.load(DatasetInput("digits32"))
    assert len(images().parts["train"]) == len(images(2).parts["train"]) == 800
    assert len(images().parts["test"]) == len(whole.parts["test"])
    assert not distinct(images(2), "train") & distinct(images(2), "test")


@pytest.mark.parametrize("method", budgets.METHODS)
def test_steps_of_each_method_take_no_more_than_was_foretold(method: str) -> None:
    found = work(LENET | {"part": "peak", "method": method, "budget_mb": 30.0})
    for took, foretold in zip(found["peaks_bytes"], found["predicted_bytes"], strict=True):
        assert 0 < took <= foretold <= 30e6


def test_an_epoch_counts_the_steps_of_all_blocks_and_what_lies_between_them_apart() -> None:
    found = work(LENET | {"part": "cost", "budget_mb": 3.0})
    assert set(found) == {"backprop", "linear", "half", "256"}
    assert found["256"]["steps_s"] > found["linear"]["steps_s"] > 0
    assert found["linear"]["between_s"] > 0


def test_a_race_ends_at_its_target_or_at_its_cap() -> None:
    found = work(RACE)
    assert found["course"][-1][1] >= 0.5 and found["reached_s"] == found["course"][-1][0] > 0
    stopped = work(RACE | {"target": 1.1, "cap_s": 0.0})
    assert stopped["reached_s"] is None and len(stopped["course"]) <= 1


def test_a_race_that_runs_away_has_not_reached_its_target(monkeypatch: pytest.MonkeyPatch) -> None:
    def runs_away(*_: Any, **__: Any) -> Iterator[Event]:
        yield over_time(1.0, 0.2)
        raise Broke("training.backprop: The training diverged.")

    monkeypatch.setattr(budgets, "said", runs_away)
    found = work(RACE)
    assert found["reached_s"] is None and "diverged" in found["broke"] and len(found["course"]) == 1


def test_the_output_model_and_the_best_exit_are_tested_on_the_same_images() -> None:
    found = work(LENET | {"part": "fold", "fold": 1, "epochs": 2, "learning_rate": 0.05, "exits": "linear",
                          "tolerance_points": 1.0, "budget_mb": 1.5})
    assert found["test_images"] == len(images(1).parts["test"])
    assert found["exit"] == found["best_exit"] or found["params_after"] < found["params_before"]
    assert 0.1 < found["accuracy_after"] <= 1


def rows_of(part: str) -> dict[str, str]:
    return dict(training.PARTS[part]())


@pytest.fixture
def small(figures: Figures, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(training, "_figures", lambda: figures)
    yield


@pytest.mark.usefixtures("small")
def test_a_goal_that_is_missed_says_so(figures: Figures, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "_fits", lambda *_: {BACKPROP: {"batch": 6}})
    tight = training.tightest("vgg16")
    for network, budget in (("vgg16", tight), ("vgg16", 200), ("resnet18", training.tightest("resnet18"))):
        cell = {"part": "cost", "network": network, "budget_mb": budget, "most_batch": training.MOST_STEP}
        half = {"steps_s": 8.0, "between_s": 1.0}
        figures.keep(cell, {"backprop": [{"steps_s": 9.0}, {"steps_s": 11.0}], "linear": half | {"steps_s": 7.0}, "half": half,
                            "256": half | {"steps_s": 30.0}, "wall_s": 0.0, "share": 1})
    told = rows_of("cost")
    assert "0.70x (goal: at most 0.75x)" in told["vgg16, 200 MB: an epoch by NeuroFlux, exits linear"]
    assert "0.80x (goal: at most 0.75x **MISSED**)" in told[f"vgg16, {tight} MB: an epoch by NeuroFlux, exits half"]
    assert sum("goal" in row for row in told.values()) == 2


@pytest.mark.parametrize(("ours", "other", "said"), [
    (40.0, 100.0, "0.40x of backprop's (goal: at most 0.5x)"),
    (60.0, 100.0, "0.60x of backprop's (goal: at most 0.5x **MISSED**)"),
    (40.0, None, "at most 0.33x of backprop's (goal: at most 0.5x)"),
    (None, None, "NeuroFlux did not get there (goal: at most 0.5x **MISSED**)")])
def test_backprop_that_never_gets_there_counts_with_all_its_time(ours: float | None, other: float | None, said: str) -> None:
    best = {NEUROFLUX: ours, BACKPROP: other}
    assert said in training._soon("resnet18", training.tightest("resnet18"), best)


@pytest.mark.usefixtures("small")
def test_at_the_tightest_budget_backprop_has_two_settings_and_neuroflux_one() -> None:
    for network in training.NETWORKS:
        cells = training._racing(network, training.tightest(network))
        of = {method: [cell for cell in cells if cell["method"] == method] for method in budgets.METHODS}
        assert [cell["seed"] for cell in of[NEUROFLUX]] == list(training.SEEDS)
        assert [cell["seed"] for cell in of[BACKPROP] if cell["epochs"] == 2] == list(training.SEEDS)
        assert {(cell["learning_rate"], cell["epochs"]) for cell in of[BACKPROP]} == {each[1:] for each in training.SMALL_STEPS}
        assert len(of[CHECKPOINTING]) == 2
    assert {cell["method"] for cell in training._racing("vgg16", 60)} == {NEUROFLUX}


def race(method: str, rate: float, seed: int, seconds: float | None) -> tuple[Cell, training.Course]:
    cell = {"method": method, "learning_rate": rate, "epochs": 2, "seed": seed}
    return cell, [(1.0, 0.5), *([(seconds, 0.96)] if seconds else [])]


def test_a_method_has_the_median_of_its_seeds_by_the_faster_of_its_settings() -> None:
    told = [race(BACKPROP, 0.05, 1, 10.0), race(BACKPROP, 0.05, 2, None), race(BACKPROP, 0.05, 3, None),
            race(BACKPROP, 0.01, 1, 40.0), race(BACKPROP, 0.01, 2, None), race(BACKPROP, 0.01, 3, 20.0),
            race(NEUROFLUX, 0.05, 1, 9.0)]
    assert training._soonest(told, 0.95) == {BACKPROP: 40.0, NEUROFLUX: 9.0}
    assert training._soonest(told, 0.97) == {BACKPROP: None, NEUROFLUX: None}
