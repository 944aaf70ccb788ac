"""Figures that are kept as they come: one JSON line each, so that a measurement that was stopped goes on where it was."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

Cell = dict[str, Any]
Found = dict[str, Any]
FOLDER = Path("var/bench")
# An older figure is of another machine's mood, perhaps of another version: it is measured again.
FRESH_S = 24 * 3600


class Figures:
    """What was measured of cells; a cell is plain JSON that says all that its figures depend on, apart from the code."""

    def __init__(self, file: Path) -> None:
        self.file, self._known, self._used = file, dict[str, Found](), set[str]()
        file.parent.mkdir(parents=True, exist_ok=True)
        for line in file.read_text().splitlines() if file.exists() else ():
            self._remember(line)

    def _remember(self, line: str) -> None:
        try:
            told = json.loads(line)
        except ValueError:  # the line that was being written when the power went
            return
        if time.time() - told["at"] < FRESH_S:
            self._known[_key(told["cell"])] = told["found"]

    def keep(self, cell: Cell, found: Found) -> None:
        self._known[_key(cell)] = found
        with self.file.open("a") as lines:
            lines.write("\n" + json.dumps({"cell": cell, "at": time.time(), "found": found}))  # the line before may be half a one

    def known(self, cell: Cell) -> Found | None:
        return self._known.get(_key(cell))

    def measured(self, cells: Sequence[Cell], work: Callable[[Cell], Found], processes: int) -> Iterator[tuple[Cell, Found]]:
        """Each cell with its figures, in the order of the cells; those that are not known yet are measured by so many processes
        at a time. Beside what `work` found: `wall_s`, and `share`, how many cells were measured at a time."""
        missing = [cell for cell in cells if self.known(cell) is None]
        with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn"), _leave_with_the_bench) as pool:
            waiting = {pool.submit(_timed, work, cell): cell for cell in missing}
            done, told = as_completed(waiting), 0
            try:
                while told < len(cells):
                    if (found := self.known(cells[told])) is None:
                        future = next(done)
                        self.keep(waiting[future], future.result() | {"share": processes})
                    else:
                        self._used.add(_key(cells[told]))
                        yield cells[told], found
                        told += 1
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def here(self, cell: Cell, work: Callable[[Cell], Found]) -> Found:
        """The same of one cell, in this process."""
        if self.known(cell) is None:
            self.keep(cell, _timed(work, cell) | {"share": 1})
        self._used.add(_key(cell))
        return self._known[_key(cell)]

    @property
    def minutes(self) -> float:
        """Of the clock, for all that was asked for, whenever it was measured."""
        return sum(self._known[key]["wall_s"] / self._known[key]["share"] for key in self._used) / 60


def _key(cell: Cell) -> str:
    return json.dumps(cell, sort_keys=True)


def _timed(work: Callable[[Cell], Found], cell: Cell) -> Found:
    begun = time.monotonic()
    return work(cell) | {"wall_s": time.monotonic() - begun}


def _leave_with_the_bench() -> None:
    """A bench that is killed takes its processes with it, which would measure on beside the next one."""
    bench = multiprocessing.parent_process()
    assert bench is not None

    def leave() -> None:
        bench.join()
        os._exit(1)

    threading.Thread(target=leave, daemon=True).start()
