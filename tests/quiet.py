"""What other tests left in this process is kept out of what is measured or parsed here."""

from __future__ import annotations

import ast
import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path


@contextmanager
def without_collector() -> Iterator[None]:
    """Nothing of others is collected: after thousands of tests that takes seconds, and runs their finalizers."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def cpu_s(call: Callable[[], object], goal_s: float) -> float:
    """Processor seconds of the first of three calls that takes less than the goal, else the least of them."""
    taken = [_once(call)]
    while min(taken) >= goal_s and len(taken) < 3:
        taken.append(_once(call))
    return min(taken)


def _once(call: Callable[[], object]) -> float:
    with without_collector():
        begun = time.process_time()
        call()
        return time.process_time() - begun


@cache
def syntax_of(path: Path) -> ast.Module:
    """Its syntax. A finalizer that prints a traceback parses too, which breaks a parse around it (python/cpython#106905)."""
    with without_collector():
        return ast.parse(path.read_text())
