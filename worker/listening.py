"""Standing between a generator of events and who hears it: some are kept back, some are changed, some are noted."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import TypeVar

from worker.events import Event

Outcome = TypeVar("Outcome")


def through(
    events: Generator[Event, None, Outcome], say: Callable[[Event], Iterable[Event]],
) -> Generator[Event, None, Outcome]:
    """For each event what `say` makes of it: nothing, itself or others. Returns what `events` returns; closes with it."""
    try:
        while True:
            try:
                event = next(events)
            except StopIteration as end:
                outcome: Outcome = end.value
                return outcome
            yield from say(event)
    finally:
        events.close()


def noting(events: Generator[Event, None, Outcome], note: Callable[[Event], object]) -> Generator[Event, None, Outcome]:
    """Every event as it is, noted before it goes on."""

    def say(event: Event) -> tuple[Event]:
        note(event)
        return (event,)

    return through(events, say)
