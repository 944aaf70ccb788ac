"""What runs that switched networks came to, from what they said at their end: of each run, and of each way through its trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from apps.experiments.models import Run

RECIPE, SWITCHING = "portfolio.switching", "switching"
# As far as a float counts whole numbers: nothing that is measured here is more.
LARGEST = 2**53
# Of a way, what a table for a program says of it.
NUMBERS = ("effective_accuracy", "in_time_share", "swaps", "swap_ms", "worst_swap_ms", "held_bytes", "peak_held_bytes",
           "runtime_bytes")


def is_switched(runs: Sequence[Run]) -> bool:
    return bool(runs) and all(run.recipe == RECIPE for run in runs)


def of_run(run: Run) -> dict[str, Any] | None:
    """The numbers of switching itself; None of a run that has not told them."""
    return next(iter(of_ways(run).values()), None)


def of_ways(run: Run) -> dict[str, dict[str, Any]]:
    """Of each way its numbers, by the way's name: the policy's own, whatever the residency, under one."""
    ways = run.summary.get("drive_ways") if run.recipe == RECIPE else None
    rows = [way for way in ways if isinstance(way, dict)] if isinstance(ways, list) else []
    return {SWITCHING if place == 0 else str(way.get("way", "")): _numbers(way) for place, way in enumerate(rows)}


def networks(run: Run) -> list[str]:
    """What it called its networks, in the order in which it was given them: the place of each is its colour on the run's page."""
    every = run.summary.get("networks") if run.recipe == RECIPE else None
    return [str(each.get("name", "")) for each in every if isinstance(each, dict)] if isinstance(every, list) else []


def places(runs: Sequence[Run]) -> dict[str, int]:
    """Of each network one place on a page of several runs: as in the first that told them, then those that only others have."""
    return {name: place for place, name in enumerate(dict.fromkeys(name for run in runs for name in networks(run)))}


def by_way(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """A row for each way that any of them went, a cell for each run; nothing where others than such runs are among them."""
    if not is_switched(runs):
        return []
    every = [of_ways(run) for run in runs]
    ways = dict.fromkeys(way for each in every for way in each)
    return [{"way": way, "cells": [each.get(way) for each in every]} for way in ways]


def _numbers(way: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: found for name, value in way.items() if (found := _number(value)) is not None}
    every = way.get("overhead_ms")
    overheads = [each for value in every if (each := _number(value)) is not None] if isinstance(every, list) else []
    arrived, late = told.get("arrived"), told.get("late")
    return {"effective_accuracy": told.get("effective_accuracy"), "swaps": told.get("swaps", 0),
            "in_time_share": 1 - late / arrived if arrived and late is not None else None,
            "swap_ms": max(0.0, median(overheads)) if overheads else None,
            "worst_swap_ms": max(overheads) if overheads else None, "held_bytes": told.get("steady_bytes"),
            "peak_held_bytes": told.get("peak_bytes"), "runtime_bytes": told.get("empty_bytes")}


def _number(value: Any) -> int | float | None:
    """What a run said is read as carefully as anything from outside: a board may have said it."""
    is_one = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= LARGEST
    return value if is_one else None
