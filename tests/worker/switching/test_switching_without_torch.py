"""A trace is driven where neither torch nor safetensors can be imported: on a board."""

from __future__ import annotations

from pathlib import Path

from apps.devices import agent_wheel
from tests.worker.bare_board import measured


def test_a_board_serves_the_trace_in_a_process_of_its_own(tmp_path: Path) -> None:
    (way,) = measured("portfolio.switching", tmp_path)["drive_ways"]
    assert way["arrived"] == way["answered"] > 0 and way["swaps"] == 1
    assert sum(way["answered_by"].values()) == way["answered"] and set(way["answered_by"]) == {"vgg5", "lenet5"}


def test_the_wheel_of_boards_has_the_serving_process_and_nothing_of_its_torch_half() -> None:
    modules = agent_wheel.modules()
    assert {"worker.recipes.portfolio.switching", "worker.switching.running", "worker.switching.host"} <= set(modules)
    assert "worker.switching.preparing" not in modules
