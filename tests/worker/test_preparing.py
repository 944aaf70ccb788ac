"""The half before a board: its events and its order; what breaks or is cancelled has one last word and no order."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

from worker.context import Context
from worker.events import Cancelled, Event, Failed, Log
from worker.executor import prepare
from worker.orders import Order
from worker.params import Params
from worker.recipe import Board, Recipe


def prepared(body: Any, folder: Path, **how: Any) -> tuple[list[Event], Order | None]:
    recipe = Recipe(name="test.one", title="One", params=Params, run=lambda params, context: iter(()),
                    board=Board(lambda params, context: body(), lambda params, order, context: iter(())))  # type: ignore[arg-type]
    said: list[Event] = []
    work = prepare(recipe, Params(), Context(folder), **how)
    while True:
        try:
            said.append(next(work))
        except StopIteration as end:
            return said, end.value


def good() -> Generator[Event, None, Order]:
    yield Log(message="one")
    yield Log(message="two")
    return Order(files=("a",), facts={"n": 1})


def test_it_ends_in_an_order_and_says_no_end(tmp_path: Path) -> None:
    said, order = prepared(good, tmp_path)
    assert [type(event) for event in said] == [Log, Log] and order == Order(files=("a",), facts={"n": 1})


def test_what_breaks_is_one_sentence_and_no_order(tmp_path: Path) -> None:
    def broken() -> Generator[Event, None, Order]:
        yield Log(message="one")
        raise MemoryError

    said, order = prepared(broken, tmp_path)
    assert isinstance(said[-1], Failed) and "memory" in said[-1].reason and order is None


def test_a_cancelled_preparation_makes_no_order(tmp_path: Path) -> None:
    said, order = prepared(good, tmp_path, cancelled=lambda: True)
    assert [type(event) for event in said] == [Log, Cancelled] and order is None
