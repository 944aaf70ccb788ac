"""The network of a file, whatever kind of file `inspect` takes; every failure one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from worker.dnn.effort import affordable
from worker.dnn.files import Loaded
from worker.firstlook import Unfit
from worker.inspection.command import step
from worker.inspection.inspecting import told
from worker.inspection.opening import Opened, opened
from worker.inspection.order import Order
from worker.reasons import lacked


@contextmanager
def in_words(order: Order) -> Iterator[None]:
    """What breaks inside, in words of the house."""
    try:
        yield
    except Unfit:
        raise
    except Exception as error:
        raise told(error, order) from error


@contextmanager
def written_to(folder: Path) -> Iterator[None]:
    """The folder is made; a disk that does not take the file is told as what it is."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise Unfit(lacked(error) or f"out: {folder} cannot be written") from error


def read(order: Order) -> Opened:
    """The network, weighed before anything is computed."""
    step("reading", order.name)
    found = opened(order, step)
    affordable(found.network, found.in_shape)
    return found


def as_loaded(found: Opened, name: str) -> Loaded:
    return Loaded(found.network, found.in_shape, found.classes, name[:200], found.trained)
