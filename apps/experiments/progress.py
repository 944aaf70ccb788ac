"""How far the present attempt of a run is, from what it said about its stages."""

from __future__ import annotations

from typing import Any, NamedTuple

from django.core.cache import cache
from django.db.models import F, Max, Min
from django.utils import timezone

from apps.experiments.models import Run
from apps.experiments.reading import Mark

SECOND = 1


class Stage(NamedTuple):
    """One stage: how much of it is done, and where the present attempt began it."""

    name: str
    done: float
    total: float
    mark: Mark


def main_stage(run: Run) -> Stage | None:
    """The stage that has gone on longest: others, such as a validation in between, would make the bar jump."""
    key = f"stage:{run.pk}:{run.attempt}"
    # Several tabs ask once a second each; the answer is read from the events once.
    return cache.get_or_set(key, lambda: _main_stage(run), SECOND)


def _main_stage(run: Run) -> Stage | None:
    said = run.stream.events.filter(type="progress", seq__gt=_attempt_began(run))
    spans = said.order_by().values(stage=F("body__stage")).annotate(first=Min("seq"), last=Max("seq"))
    longest = max(spans, key=lambda span: (span["last"] - span["first"], -span["first"]), default=None)
    if longest is None:
        return None
    ends = list(run.stream.events.filter(seq__in=[longest["first"], longest["last"]]).order_by("seq"))
    return _stage(ends[0], ends[-1])


def _stage(first: Any, last: Any) -> Stage:
    passed = (timezone.now() - first.at).total_seconds()
    mark = Mark(passed, float(first.body["done"]))
    return Stage(str(last.body["stage"]), float(last.body["done"]), float(last.body["total"]), mark)


def _attempt_began(run: Run) -> int:
    if run.attempt <= 1:
        return 0
    started = run.stream.events.filter(type="started").order_by("-seq")
    return started.values_list("seq", flat=True).first() or 0
