"""What a run found once it finds again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from worker.context import Context
from worker.events import Log
from worker.profiling.recall import Work, once


def work(result: dict[str, Any]) -> Work:
    yield Log(message="working")
    return result


def finish(context: Context, result: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    running, said = once(context.checkpoints, "thing", work(result)), 0
    while True:
        try:
            next(running)
            said += 1
        except StopIteration as end:
            return said, end.value


def test_the_second_time_nothing_is_done_and_the_first_result_stands(tmp_path: Path) -> None:
    assert finish(Context(tmp_path), {"ms": 1.25}) == (1, {"ms": 1.25})
    assert finish(Context(tmp_path), {"ms": 9.0}) == (0, {"ms": 1.25})
