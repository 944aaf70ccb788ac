"""What runs that switched networks came to, from what they said at their end: of each run, and of each way through its trace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from apps.experiments.models import Run

RECIPE, SWITCHING = "portfolio.switching", "switching"
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


def by_way(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """A row for each way that any of them went, a cell for each run; nothing where others than such runs are among them."""
    if not is_switched(runs):
        return []
    every = [of_ways(run) for run in runs]
    ways = dict.fromkeys(way for each in every for way in each)
    return [{"way": way, "cells": [each.get(way) for each in every]} for way in ways]


def _numbers(way: Mapping[str, Any]) -> dict[str, Any]:
    arrived, overheads = way.get("arrived") or 0, way.get("overhead_ms") or []
    return {"effective_accuracy": way.get("effective_accuracy"), "swaps": way.get("swaps") or 0,
            "in_time_share": 1 - way.get("late", 0) / arrived if arrived else None,
            "swap_ms": max(0.0, median(overheads)) if overheads else None,
            "worst_swap_ms": max(overheads) if overheads else None, "held_bytes": way.get("steady_bytes"),
            "peak_held_bytes": way.get("peak_bytes"), "runtime_bytes": way.get("empty_bytes")}
