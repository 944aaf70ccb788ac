"""Recipes of updating: their files make of the first network the last one, and their numbers are those of the files."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
import torch
from pydantic import ValidationError

from worker import menu
from worker.addressed.offered import KEY, Offered
from worker.context import Context
from worker.events import Event, Failed, FileMade, Finished, Measured, Metric, VariantMade
from worker.executor import execute
from worker.flags import resolve
from worker.updating import trial
from worker.updating.change import applied, read, sha256

BRIEF = {"model": "lenet5", "dataset": "digits", "first_images": 200, "round_images": 150, "rounds": 3, "epochs": 3,
         "tuning_epochs": 2}
PARTIAL = ("updating.dpu", "updating.gcpu", "updating.random", "updating.pruning")


def run(recipe: str, folder: Path, **told: Any) -> list[Event]:
    torch.set_num_threads(1)
    found = menu.get(recipe)
    params = found.params.model_validate(BRIEF | told)
    return list(execute(found, params, Context(folder, inputs=resolve(params), seed=params.seed)))


@cache
def done(recipe: str) -> tuple[Path, list[Event], dict[str, Any]]:
    folder = Path(mkdtemp(prefix="updating-"))
    events = run(recipe, folder, **({"ratio": 0.05} if recipe in PARTIAL else {}))
    assert isinstance(events[-1], Finished), events[-1]
    return folder, events, events[-1].summary


@pytest.mark.parametrize("recipe", PARTIAL)
def test_the_changes_make_of_the_first_file_the_last_one(recipe: str) -> None:
    folder, events, _ = done(recipe)
    names = [event.path for event in events if isinstance(event, FileMade) and event.path != "batch.npz"]
    first = held = (folder / "first.onnx").read_bytes()
    for name in names[1:]:
        change = read((folder / name).read_bytes())
        held = applied(first if change.base == sha256(first) else held, change)
    (made,) = [event for event in events if isinstance(event, VariantMade)]
    assert names[0] == "first.onnx"
    assert len(names) > 1
    assert made.onnx is not None
    assert held == (folder / made.onnx).read_bytes()


@pytest.mark.parametrize("recipe", PARTIAL)
def test_the_bytes_told_are_those_of_the_files(recipe: str) -> None:
    folder, events, summary = done(recipe)
    sizes = sum(file.stat().st_size for file in folder.glob("*.change"))
    parts = sum(event.value or 0 for event in events if isinstance(event, Metric) and event.name == "part_bytes")
    assert sizes == parts == summary["sent_bytes"]
    assert summary["sent_share"] == sizes / summary["everything_bytes"]
    assert 0 < summary["sent_share"] < 0.2


@pytest.mark.parametrize("recipe", PARTIAL)
def test_what_it_offers_boards_are_its_files(recipe: str) -> None:
    folder, _, summary = done(recipe)
    offer = Offered.model_validate(summary[KEY])
    held = first = (folder / offer.first.path).read_bytes()
    assert sha256(first) == offer.first.sha256
    assert len(offer.updates) == summary["updates_sent"]
    for update in offer.updates:
        held = applied(first if update.base == offer.first.sha256 else held, read((folder / update.path).read_bytes()))
        assert sha256(held) == update.result


def test_each_network_gets_as_many_of_the_batch_right_as_was_said() -> None:
    folder, _, summary = done("updating.dpu")
    offer, batch = Offered.model_validate(summary[KEY]), trial.kept(folder)
    assert batch is not None and offer.batch is not None
    assert (offer.batch.sha256, offer.batch.images) == (batch.sha256, 64)
    held = first = (folder / offer.first.path).read_bytes()
    assert trial.right(first, batch) == offer.first.right
    for update in offer.updates:
        held = applied(first if update.base == offer.first.sha256 else held, read((folder / update.path).read_bytes()))
        assert trial.right(held, batch) == update.right
    assert offer.updates[-1].right > offer.first.right


def test_full_updating_keeps_no_files_and_offers_nothing() -> None:
    assert KEY not in done("updating.full")[2]


def test_full_updating_beside_it_is_full_updating_alone() -> None:
    alone, (beside,) = done("updating.full")[2], done("updating.dpu")[2]["against"]
    assert beside["mean_accuracy"] == alone["mean_accuracy"]
    assert beside["sent_bytes"] == alone["sent_bytes"]
    assert "against" in alone
    assert alone["against"] == []


def test_the_difference_over_all_rounds_stands_in_the_verdict() -> None:
    summary = done("updating.dpu")[2]
    (beside,) = summary["against"]
    assert beside["mean_difference"] == pytest.approx(summary["mean_accuracy"] - beside["mean_accuracy"])
    assert "points against full updating on average over the rounds, " in summary["verdict"]
    assert len(summary["accuracy_by_round"]) == 3


def test_the_accuracy_told_is_that_of_what_the_edge_has_at_the_end() -> None:
    _, events, summary = done("updating.dpu")
    (measured,) = [event for event in events if isinstance(event, Measured)]
    assert measured.value == summary["accuracy_after"] == summary["accuracy_by_round"][-1]
    assert measured.split == "test"


def test_the_edge_is_alone_where_no_reference_is_asked_for(tmp_path: Path) -> None:
    events = run("updating.dpu", tmp_path, reference=False, rounds=1, epochs=1, tuning_epochs=0)
    assert isinstance(events[-1], Finished)
    assert events[-1].summary["against"] == []
    metrics = [event for event in events if isinstance(event, Metric)]
    assert {metric.labels["variant"] for metric in metrics if "variant" in metric.labels} == {"dpu 0.01"}


def test_too_few_images_for_the_first_round_fail_with_both_numbers(tmp_path: Path) -> None:
    last = run("updating.dpu", tmp_path, first_images=5000)[-1]
    assert isinstance(last, Failed)
    assert last.reason == "The first round needs 5,000 training images; the data set has 1,257."


@pytest.mark.parametrize("field, value", [("ratio", -0.1), ("ratio", 1.1), ("rounds", 0), ("first_images", 1), ("mode", "best")])
def test_what_makes_no_sense_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError):
        menu.get("updating.dpu").params.model_validate(BRIEF | {field: value})
