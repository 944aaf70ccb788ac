"""Drive one recipe's generator: Started, what it says, then exactly one of Finished, Failed, Cancelled."""

from __future__ import annotations

import platform
import time
import traceback
from collections.abc import Callable, Generator, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any, cast

from worker.context import Context
from worker.events import Cancelled, Event, Failed, Finished, Log, Metric, Started
from worker.orders import Order
from worker.params import Params
from worker.reasons import reason
from worker.recipe import Recipe

PACKAGES = ("torch", "onnxruntime", "numpy")


def execute(
    recipe: Recipe, params: Params, context: Context, *,
    attempt: int = 1, cancelled: Callable[[], bool] = lambda: False,
) -> Iterator[Event]:
    """Run the recipe; a generator's return value is the summary. `cancelled` is asked after every event."""
    begun = time.monotonic()
    yield Started(recipe=recipe.name, attempt=attempt, resumed=context.checkpoints.any(), environment=_environment(context))
    events = recipe.run(params, context)
    try:
        summary = yield from _until_cancelled(events, cancelled)
    except _Stopped:
        yield Cancelled()
    except Exception as error:
        yield Failed(reason=reason(error), trace=traceback.format_exc(limit=20))
    else:
        yield Finished(summary=summary or {}, seconds=round(time.monotonic() - begun, 3))


def prepare(
    recipe: Recipe, params: Params, context: Context, *, cancelled: Callable[[], bool] = lambda: False,
) -> Generator[Event, None, Order | None]:
    """The half of a run that is done before a board measures: its events, and the order; None when it ended without one."""
    assert recipe.board
    try:
        return cast(Order, (yield from _until_cancelled(recipe.board.prepare(params, context), cancelled)))
    except _Stopped:
        yield Cancelled()
    except Exception as error:
        yield Failed(reason=reason(error), trace=traceback.format_exc(limit=20))
    return None


class _Stopped(Exception):
    pass


def _until_cancelled(events: Any, cancelled: Callable[[], bool]) -> Any:
    while True:
        try:
            event = next(events)
        except StopIteration as end:
            return end.value
        yield event
        if isinstance(event, Metric) and event.value is None:
            yield Log(level="warning", message=f"{event.name} is not a finite number at step {event.step}; kept as a gap.")
        if cancelled():
            events.close()
            raise _Stopped


def _environment(context: Context) -> dict[str, str | int | float]:
    found: dict[str, str | int | float] = {"python": platform.python_version(), "machine": platform.machine(),
                                           "device": context.device, "threads": context.threads, "seed": context.seed}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
