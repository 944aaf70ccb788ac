"""What the log lines of one request, or of one run's thread, have in common: ids of the request, the person, the run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

about: ContextVar[dict[str, str] | None] = ContextVar("about", default=None)


@contextmanager
def saying(**facts: str) -> Iterator[dict[str, str]]:
    """Every line from here on carries these facts; the mapping may be added to."""
    token = about.set(facts)
    try:
        yield facts
    finally:
        about.reset(token)
