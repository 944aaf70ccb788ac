"""The executor frames a recipe: Started first, and exactly one last word."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from worker.context import Context
from worker.events import TERMINAL, Cancelled, Event, Failed, Finished, Log, Metric, Started
from worker.executor import execute
from worker.params import Params
from worker.reasons import reason
from worker.recipe import Recipe


def recipe(body: Callable[[], Iterator[Event]]) -> Recipe:
    return Recipe(name="test.one", title="One", params=Params, run=lambda params, context: body())


def run(body: Callable[[], Iterator[Event]], folder: Path, **how: Any) -> list[Event]:
    return list(execute(recipe(body), Params(), Context(folder), **how))


def broken(error: BaseException) -> Callable[[], Iterator[Event]]:
    def body() -> Iterator[Event]:
        yield Log(message="so far so good")
        raise error

    return body


def test_it_frames_what_the_recipe_says(tmp_path: Path) -> None:
    def body() -> Iterator[Event]:
        yield Log(message="one")
        return {"params_after": 1}

    events = run(body, tmp_path)
    assert [type(event) for event in events] == [Started, Log, Finished]
    assert isinstance(events[-1], Finished) and events[-1].summary == {"params_after": 1}


def test_a_recipe_without_a_summary_finishes_too(tmp_path: Path) -> None:
    assert run(lambda: iter(()), tmp_path)[-1].type == "finished"  # type: ignore[arg-type]


@pytest.mark.parametrize("error", [ValueError("inner\nsecond"), KeyError(), MemoryError(), RuntimeError("x" * 9000)])
def test_whatever_breaks_is_one_sentence_and_a_trace(tmp_path: Path, error: Exception) -> None:
    last = run(broken(error), tmp_path)[-1]
    assert isinstance(last, Failed) and last.reason == reason(error)
    assert "Traceback" in last.trace and type(error).__name__ in last.trace


def test_there_is_exactly_one_last_word(tmp_path: Path) -> None:
    for body in (broken(ValueError("no")), lambda: iter([Log(message="fine")])):
        events = run(body, tmp_path)
        assert [isinstance(event, TERMINAL) for event in events] == [False] * (len(events) - 1) + [True]


def test_a_cancelled_recipe_is_closed_and_may_tidy_up(tmp_path: Path) -> None:
    tidied: list[str] = []

    def body() -> Iterator[Event]:
        try:
            while True:
                yield Log(message="working")
        finally:
            tidied.append("done")

    events = run(body, tmp_path, cancelled=lambda: True)
    assert [type(event) for event in events] == [Started, Log, Cancelled]
    assert tidied == ["done"]


def test_a_number_that_is_none_is_explained(tmp_path: Path) -> None:
    events = run(lambda: iter([Metric(name="loss", value=float("nan"), step=4)]), tmp_path)
    assert isinstance(events[2], Log) and events[2].level == "warning" and "step 4" in events[2].message


def test_it_says_whether_it_goes_on_from_a_checkpoint(tmp_path: Path) -> None:
    first = run(lambda: iter(()), tmp_path)[0]  # type: ignore[arg-type]
    Context(tmp_path).checkpoints.save("net", 1, b"", {})
    second = run(lambda: iter(()), tmp_path, attempt=2)[0]  # type: ignore[arg-type]
    assert isinstance(first, Started) and not first.resumed
    assert isinstance(second, Started) and second.resumed and second.attempt == 2
