"""What a page draws is told as it is known: bytes of all blocks before anything is trained, exits as their block ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worker.training.local.conftest import Run
from worker.events import Event, Finished, Log, Metric
from worker.wording import figures

BLOCKS = ["units 1-2", "units 3-4"]


@pytest.fixture
def told(run: Run, tmp_path: Path) -> list[Metric]:
    return metrics(run(tmp_path / "run"))


def metrics(events: list[Event]) -> list[Metric]:
    return [event for event in events if isinstance(event, Metric)]


def places(told: list[Metric], name: str, **labels: str) -> list[int]:
    return [place for place, each in enumerate(told) if each.name == name and labels.items() <= each.labels.items()]


def test_bytes_of_all_blocks_and_the_budget_are_told_before_anything_is_trained(told: list[Metric]) -> None:
    before = told[:places(told, "loss")[0]]
    assert [each.labels["block"] for each in before if each.labels.get("figure") == "predicted"] == BLOCKS
    assert [each.value for each in before if each.name == "memory_budget_mb"] == [0.6]


def test_bytes_that_a_block_needed_are_told_while_it_is_trained(told: list[Metric]) -> None:
    for number, block in enumerate(BLOCKS, 1):
        (measured,) = places(told, "memory_mb", block=block, figure="measured")
        first, last = places(told, "learning_rate", variant=f"block {number}")
        assert first < measured < last


def test_an_exit_is_told_as_soon_as_its_block_has_ended(told: list[Metric]) -> None:
    ended = [places(told, "accuracy", exit=exit)[-1] for exit in ("exit 2", "exit 4")]
    for number, end in zip((1, 2, 3, 4), (ended[0], ended[0], ended[1], ended[1]), strict=True):
        for name in ("exit_accuracy", "exit_params"):
            (place,) = places(told, name, exit=f"exit {number}")
            assert end < place
    assert places(told, "exit_accuracy", exit="exit 2")[0] < places(told, "loss", exit="exit 3")[0]


def test_the_log_says_what_each_block_has_learned(run: Run, tmp_path: Path) -> None:
    said = [each.message for each in run(tmp_path / "run") if isinstance(each, Log) and "has learned" in each.message]
    assert [line.partition(":")[0] for line in said] == [f"Block {number} of 2, {block.replace('-', ' to ')}, has learned"
                                                         for number, block in enumerate(BLOCKS, 1)]
    assert "exit 1 " in said[0] and "exit 2 " in said[0] and "exit 4 " in said[1]


def test_the_exit_that_is_kept_stands_where_it_stood_among_the_others(run: Run, tmp_path: Path) -> None:
    events = run(tmp_path / "run")
    assert isinstance(events[-1], Finished)
    (kept,) = [each for each in metrics(events) if each.name == "kept_exit_accuracy"]
    (same,) = [each for each in metrics(events) if each.name == "exit_accuracy" and each.labels == kept.labels]
    assert kept.labels == {"exit": f"exit {events[-1].summary['exit']}"}
    assert (kept.step, kept.value) == (same.step, same.value)


@pytest.mark.parametrize(("exits", "more"), [("256", True), ("linear", False)])
def test_an_exit_that_needs_more_macs_than_the_whole_network_is_told_so(
    run: Run, tmp_path: Path, exits: str, more: bool,
) -> None:
    """However few parameters it has: its own layers may stand behind a large feature map."""
    (*_, ended) = run(tmp_path / "run", model="vgg5", exits=exits, tolerance_points=100, epochs=1, budget_mb=20)
    assert isinstance(ended, Finished)
    found = ended.summary
    assert (found["macs_after"] > found["macs_before"]) == more and found["exit"] < 4
    share = figures(100 * (found["macs_after"] / found["macs_before"] - 1))
    why = "the exit's own layers cost more than those that it leaves out"
    assert (f"{share} % more MACs" in found["verdict"]) == (why in found["verdict"]) == more


def test_checkpointing_tells_its_bytes_before_anything_is_trained(run: Run, tmp_path: Path) -> None:
    told = metrics(run(tmp_path / "run", "training.checkpointing"))
    (predicted,) = places(told, "memory_mb", block="whole network", figure="predicted")
    assert predicted < places(told, "loss")[0]
