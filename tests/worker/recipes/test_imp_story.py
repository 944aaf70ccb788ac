"""Iterative magnitude pruning as a person sees it: what it costs, what is trained once, how it goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worker.recipes.test_pruning_story import run, summary
from worker.events import Event, Failed, Log, Metric, Progress, VariantMade

ASKED = {"fraction": 0.5, "sparsity": 0.75, "epochs": 2, "rewind": 0.5}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> list[Event]:
    return run("pruning.imp", tmp_path_factory.mktemp("imp"), **ASKED)


def messages(events: list[Event]) -> str:
    return "\n".join(event.message for event in events if isinstance(event, Log))


def test_the_bill_comes_before_the_meal(told: list[Event]) -> None:
    assert ("2 levels of pruning, each after a training: 3 trainings of the network, 4 epochs in all. After each pruning weights "
            "and learning rate go back to step 20 of the 40 steps of a training.") in messages(told)


def test_its_cost_is_counted_in_epochs(told: list[Event]) -> None:
    # The dense network once, level 1 from step 20 of 40, and the last level from there too.
    assert summary(told)["prune_epoch_equivalents"] == 2 + 1
    assert summary(told)["epoch_equivalents"] == 2 + 1 + 1


def test_without_rewinding_it_costs_a_training_a_level(tmp_path: Path) -> None:
    found = summary(run("pruning.imp", tmp_path, **ASKED | {"rewind": 0.0, "reference": False}))
    assert found["epoch_equivalents"] == 3 * 2


def test_a_step_within_an_epoch_is_counted_as_a_part_of_it(tmp_path: Path) -> None:
    found = summary(run("pruning.imp", tmp_path, **ASKED | {"rewind": 0.125}))
    assert found["prune_epoch_equivalents"] == 2 + 1.75 and found["epoch_equivalents"] == 2 + 2 * 1.75


def test_the_dense_network_is_trained_once_and_is_level_zero(told: list[Event]) -> None:
    losses = [(event.labels["variant"], event.step) for event in told if isinstance(event, Metric) and event.name == "loss"]
    assert losses == [("dense", 1), ("dense", 2), ("imp 0.75", 2), ("dense", 1), ("dense", 2)]
    epochs = [event.done for event in told if isinstance(event, Progress) and event.stage == "epochs"]
    assert epochs == sorted(epochs) and max(epochs) == 4


def test_the_bar_never_goes_back_and_ends_full(told: list[Event]) -> None:
    parts = [event.done / event.total if event.part is None else event.part for event in told
             if isinstance(event, Progress) and event.stage == "epochs"]
    assert parts == sorted(parts) and parts[-1] == pytest.approx(1)


def test_each_level_says_how_it_ended(told: list[Event]) -> None:
    said = {(event.name, event.step) for event in told if isinstance(event, Metric) and event.name.startswith("level_")}
    assert said == {(name, level) for name in ("level_density", "level_accuracy") for level in (0, 1)}


def test_the_last_mask_has_exactly_the_density_that_was_asked_for(told: list[Event]) -> None:
    assert summary(told)["sparsity"] == pytest.approx(0.75, abs=1e-4)
    assert [event.name for event in told if isinstance(event, VariantMade)] == ["dense", "imp 0.75"]


@pytest.mark.parametrize("retrain", ["learning_rate", "fine_tune"])
def test_the_other_ways_end_in_the_same_two_variants(retrain: str, tmp_path: Path) -> None:
    found = summary(run("pruning.imp", tmp_path, **ASKED | {"retrain": retrain}))
    assert [each["name"] for each in found["variants"]] == ["dense", "imp 0.75"]
    assert found["epoch_equivalents"] == {"learning_rate": 4, "fine_tune": 6}[retrain]


@pytest.mark.parametrize("control", ["shuffle", "reinitialise", "invert"])
def test_the_controls_train_something_else(control: str, told: list[Event], tmp_path: Path) -> None:
    events = run("pruning.imp", tmp_path, **ASKED | {"control": control})
    assert "Sanity control" in messages(events)
    assert summary(events)["variants"][1]["sha256"] != summary(told)["variants"][1]["sha256"]
    assert summary(events)["sparsity"] == summary(told)["sparsity"]


def test_a_mask_by_lot_needs_weights_to_go_back_to(tmp_path: Path) -> None:
    last = run("pruning.imp", tmp_path, **ASKED | {"control": "shuffle", "retrain": "fine_tune"})[-1]
    assert isinstance(last, Failed) and "choose retrain rewind" in last.reason


@pytest.mark.parametrize(("rewind", "place"), [(0.03, "the very beginning"), (0.3, "step 1"), (0.999, "step 3")])
def test_no_training_is_too_short_to_go_back_in(rewind: float, place: str, tmp_path: Path) -> None:
    events = run("pruning.imp", tmp_path, **ASKED | {"epochs": 1, "batch_size": 400, "rewind": rewind})
    assert f"go back to {place} of the 4 steps of a training." in messages(events) and summary(events)


def test_what_goes_on_as_it_is_goes_back_to_no_step(tmp_path: Path) -> None:
    said = messages(run("pruning.imp", tmp_path, **ASKED | {"retrain": "fine_tune"}))
    assert "go back" not in said and "goes back" not in said


def test_after_a_short_training_both_networks_go_on_from_it(tmp_path: Path) -> None:
    found = summary(run("pruning.imp", tmp_path, **ASKED | {"warm_up_epochs": 1}))
    assert found["accuracy_before"] is not None and found["accuracy_after"] is not None
    assert found["prune_epoch_equivalents"] == 1 + 2 + 1


def test_too_much_pruning_is_refused_in_a_sentence(tmp_path: Path) -> None:
    last = run("pruning.imp", tmp_path, **ASKED | {"sparsity": 0.9999, "fraction": 0.99})[-1]
    assert isinstance(last, Failed) and "a lower sparsity leaves a way through" in last.reason
