"""A short training before pruning: it counts as cost, both networks go on from it, and a kill in its middle changes nothing."""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from worker import menu
from worker.context import Context
from worker.events import Event, Finished, Log, Measured, Metric, Progress, VariantMade, parse
from worker.executor import execute
from worker.flags import resolve

WARM = {"model": "lenet5", "dataset": "digits", "sparsity": 0.75, "warm_up_epochs": 2, "epochs": 1}
FEW: dict[str, Any] = {"sparsity": 0.9}


def start(folder: Path, recipe: str = "pruning.magnitude", **changes: Any) -> Iterator[Event]:
    torch.set_num_threads(1)
    params = menu.get(recipe).params.model_validate(WARM | changes)
    return execute(menu.get(recipe), params, Context(folder, inputs=resolve(params), seed=params.seed))


def run(folder: Path, recipe: str = "pruning.magnitude", **changes: Any) -> tuple[list[Event], dict[str, Any]]:
    events = list(start(folder, recipe, **changes))
    assert isinstance(events[-1], Finished), events[-1]
    return events, events[-1].summary


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Event], dict[str, Any]]:
    return run(tmp_path_factory.mktemp("warm"))


def epochs(events: list[Event]) -> list[tuple[str, int | None]]:
    return [(str(event.labels["variant"]), event.step) for event in events if isinstance(event, Metric) and event.name == "loss"]


def test_the_whole_network_is_trained_first_and_both_go_on_from_there(told: tuple[list[Event], dict[str, Any]]) -> None:
    assert epochs(told[0]) == [("dense", 1), ("dense", 2), ("magnitude 0.75", 3), ("dense", 3)]


def test_its_epochs_are_a_cost_of_pruning_and_of_the_whole(told: tuple[list[Event], dict[str, Any]]) -> None:
    found = told[1]
    assert found["prune_epoch_equivalents"] == 2 and found["epoch_equivalents"] == 3
    assert 0 < found["warm_up_seconds"] < found["prune_seconds"]
    assert found["verdict"].endswith("; pruning cost as much as 2 epochs of training")


def test_it_is_a_phase_of_its_own(told: tuple[list[Event], dict[str, Any]]) -> None:
    phases = [event.labels["phase"] for event in told[0] if isinstance(event, Metric) and event.name == "phase_seconds"]
    assert phases == ["open", "warm-up", "prune", "measure", "train magnitude 0.75", "train dense", "test and save"]


def test_progress_never_falls_back_and_ends_at_the_whole(told: tuple[list[Event], dict[str, Any]]) -> None:
    said = [event for event in told[0] if isinstance(event, Progress) and event.stage == "epochs"]
    parts = [event.part for event in said]
    assert None not in parts and parts == sorted(parts) and parts[-1] == pytest.approx(1)  # type: ignore[type-var]
    assert (said[-1].done, said[-1].total) == (4, 4)


def test_no_number_is_said_twice(told: tuple[list[Event], dict[str, Any]]) -> None:
    keys = [event.key for event in told[0] if isinstance(event, Metric | Measured)]
    assert len(keys) == len(set(keys))


def test_a_dense_network_that_is_warmed_up_and_trained_on_equals_one_trained_so_long(tmp_path: Path) -> None:
    """Like with like: pruning nothing but one weight in ten thousand, both end where a plain training would."""
    pair = run(tmp_path / "pair", sparsity=1e-4)[1]
    assert abs(pair["accuracy_before"] - pair["accuracy_after"]) < 0.05


def test_without_epochs_after_it_both_networks_are_tested_as_they_are(tmp_path: Path) -> None:
    events, found = run(tmp_path, epochs=0)
    assert found["accuracy_before"] > 0.5 and found["accuracy_after"] is not None
    assert ", with no training after pruning" in found["verdict"]
    assert epochs(events) == [("dense", 1), ("dense", 2)]


def test_without_a_reference_a_network_trained_less_is_not_compared_with(tmp_path: Path) -> None:
    found = run(tmp_path, reference=False)[1]
    assert found["accuracy_before"] is None and found["accuracy_after"] is not None


def test_weights_that_came_trained_and_were_warmed_up_are_trained_on_for_the_comparison(tmp_path: Path) -> None:
    from worker.dnn import architectures, files

    files.save(architectures.build("lenet5", 10, (1, 8, 8), seed=3), tmp_path / "came", in_shape=(1, 8, 8), classes=10,
               name="came", trained=True)
    events, found = run(tmp_path / "run", model=str(tmp_path / "came"), warm_up_epochs=1)
    assert epochs(events) == [("dense", 1), ("magnitude 0.75", 2), ("dense", 2)]
    assert found["accuracy_before"] is not None


def test_both_networks_have_the_same_rates_epoch_by_epoch(told: tuple[list[Event], dict[str, Any]]) -> None:
    rates = {(event.labels["variant"], event.step): event.value for event in told[0]
             if isinstance(event, Metric) and event.name == "learning_rate"}
    assert rates["dense", 3] == rates["magnitude 0.75", 3]
    assert rates["dense", 1] > rates["dense", 2] > rates["dense", 3]  # type: ignore[operator]


@pytest.mark.kill
@pytest.mark.parametrize("recipe", ["pruning.magnitude", "pruning.drive"])
@pytest.mark.parametrize("moment", [("dense", 1), ("dense", 2), ("pruned", 3), ("dense", 3)])
def test_killed_in_any_epoch_it_ends_with_the_same_numbers(
    recipe: str, moment: tuple[str, int], tmp_path: Path,
) -> None:
    child = multiprocessing.get_context("fork").Process(target=die, args=(tmp_path, recipe, moment))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    before = [parse(line) for line in (tmp_path / "said").read_text().splitlines()]
    after = list(start(tmp_path / "killed", recipe, **FEW))
    assert numbers(before + after) == straight(recipe)


@cache
def straight(recipe: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="warm-") as folder:
        return numbers(run(Path(folder), recipe, **FEW)[0])


def die(folder: Path, recipe: str, moment: tuple[str, int]) -> None:
    """Killed as soon as an epoch is heard of, which is before its checkpoint."""
    with (folder / "said").open("w") as said:
        for event in start(folder / "killed", recipe, **FEW):
            print(event.model_dump_json(), file=said, flush=True)
            if isinstance(event, Metric) and event.name == "loss":
                variant = "dense" if event.labels["variant"] == "dense" else "pruned"
                if (variant, event.step) == moment:
                    os.kill(os.getpid(), signal.SIGKILL)


def numbers(events: list[Event]) -> dict[str, Any]:
    """All that must not depend on the clock; what is said twice must be said alike."""
    found: dict[str, Any] = {}
    for event in events:
        fact: Any = None
        if isinstance(event, Metric) and event.name != "phase_seconds":
            fact = event.value
        elif isinstance(event, Measured) and "latency" not in event.metric:
            fact = event.value
        elif isinstance(event, VariantMade):
            fact = event.sha256
        if fact is not None:
            assert found.setdefault(event.key or "", fact) == fact, event
    return found


def test_what_it_taught_is_said_to_be_lost_where_weights_are_drawn_afresh(tmp_path: Path) -> None:
    events, found = run(tmp_path, "pruning.reconvene", warm_up_epochs=1, epochs=0)
    told = [event.message for event in events if isinstance(event, Log)]
    assert "The weights were drawn afresh after the short training, which only decided what was pruned." in told
    assert found["accuracy_after"] is None and found["prune_epoch_equivalents"] == 1
