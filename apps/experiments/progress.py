"""How far the present attempt of a run is, from what it said about its stages."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from apps.experiments.models import Run
from apps.experiments.reading import Mark

TRAINING = ("epoch", "round")


class Stage(NamedTuple):
    """One stage: units done, the part of its work that is done (0 to 1), and where the present attempt began it."""

    name: str
    done: float
    total: float
    part: float
    mark: Mark


def main_stage(run: Run) -> Stage | None:
    """Its epochs or rounds, where it trains: a validation before or between them would make the bar jump. Else the stage that
    took longest.

    Time counts up to the newest word of the stage, not to now: silence makes no run slower.
    """
    stages = [_stage(name, said) for name, said in run.stages.items()]
    if _trains(run):
        stages = [stage for stage in stages if stage.name.startswith(TRAINING)]
    return max(stages, key=lambda stage: stage.mark.seconds_ago, default=None)


def _trains(run: Run) -> bool:
    """Whether epochs are done, or are to come as far as its parameters tell."""
    asked = {**run.params, **run.live_params}.get("epochs")
    is_asked = isinstance(asked, int | float) and not isinstance(asked, bool) and asked > 0
    return is_asked or any(name.startswith(TRAINING) for name in run.stages)


def _stage(name: str, said: dict[str, Any]) -> Stage:
    passed = datetime.fromisoformat(said["at"]) - datetime.fromisoformat(said["since"])
    mark = Mark(passed.total_seconds(), float(said["began"]))
    return Stage(name, float(said["done"]), float(said["total"]), float(said["part"]), mark)
