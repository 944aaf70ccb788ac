"""The measuring half runs where neither torch nor safetensors can be imported: on a board."""

from __future__ import annotations

from pathlib import Path

from tests.worker.bare_board import measured


def test_a_board_runs_all_parts_of_a_plan(tmp_path: Path) -> None:
    found = measured("partitioning.slices", tmp_path)
    assert found["bit_equal"] and found["images"] == 12 and found["restarts"] == 0
