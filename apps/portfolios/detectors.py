"""Runs of `detection.roma` that rest on a portfolio's networks: a detector's line says that it takes what one was measured
to take. A detector is no network of the portal by itself, so nothing else ties one to the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

from apps.accounts.models import User
from apps.catalog.models import Variant
from apps.experiments.latencies import ON
from apps.experiments.models import Run, Status
from apps.portfolios.lineage import copies
from apps.portfolios.models import Entry, Portfolio
from apps.portfolios.strips import Band, Strip, bands_of, strip
from worker import menu

RECIPE = "detection.roma"
MEASURED = "latency of "
# So many of the newest are looked at, and so many of these are shown.
MOST_LOOKED_AT, MOST_RUNS = 400, 50


@dataclass(frozen=True)
class Watched:
    """One finished run. `named`: of its measured times those of this portfolio, as `NETWORK on DEVICE`."""

    run: Run
    named: tuple[str, ...]
    others: tuple[Run, ...] = ()

    @cached_property
    def bands(self) -> list[Band]:
        """Which detector alone is best, from so many to so many times what detections take now."""
        return bands_of(self.run.summary.get("bands"), "detector")

    @property
    def strip(self) -> Strip | None:
        names = dict.fromkeys(band.name for band in self.bands)
        colours = {name: place for place, name in enumerate(names)}
        axis = "times what detections take now, the dashed line"
        return strip("Over the load", axis, self.bands, colours) if self.bands else None

    @property
    def origin(self) -> str:
        return str(self.run.summary.get("origin", ""))

    @property
    def film(self) -> str:
        """What was watched."""
        given = self.run.inputs.get("recordings")
        name = str(given.get("name", "")) if isinstance(given, dict) else ""
        frames = self.run.summary.get("frames")
        return ", ".join([name or "emulated scenes", *([f"{frames:,} frames"] if isinstance(frames, int) else [])])

    @property
    def choices(self) -> list[Watched]:
        every = sorted((self.run, *self.others), key=lambda run: -run.number)
        return [Watched(run, ()) for run in every] if self.others else []


def watched(user: User, portfolio: Portfolio, entries: Sequence[Entry], chosen: set[str]) -> list[Watched]:
    """Of each set of networks and devices the newest run, or the one that was chosen. One query; three more where some are."""
    recipe = menu.find(RECIPE)
    if recipe is None or not entries:
        return []
    asked = Run.objects.visible_to(user).filter(team=portfolio.team_id, recipe=RECIPE, status=Status.FINISHED,
                                                params__detectors__icontains=MEASURED).order_by("-number")
    told = list(asked.values_list("pk", "params")[:MOST_LOOKED_AT])
    names = _names(entries) if told else set()
    every = ((pk, tuple(each for each in _timed(recipe.params, params) if _network(each, names))) for pk, params in told)
    named = dict(islice(((pk, found) for pk, found in every if found), MOST_RUNS))
    groups: dict[tuple[str, ...], list[Run]] = {}
    for run in asked.filter(pk__in=named).defer("trace", "environment", "order", "stages") if named else ():
        groups.setdefault(named[run.pk], []).append(run)
    return [_one(found, group, chosen) for found, group in groups.items()]


def _one(named: tuple[str, ...], group: Sequence[Run], chosen: set[str]) -> Watched:
    one = next((run for run in group if str(run.pk) in chosen), group[0])
    return Watched(one, named, tuple(run for run in group if run is not one))


def _names(entries: Sequence[Entry]) -> set[str]:
    """As lines of detectors call networks and what benchmarks kept of them: with their model's name in front, one that was
    brought by that alone."""
    every = Variant.objects.filter(pk__in=copies([entry.variant_id for entry in entries])).select_related("model")
    return {name for each in every for name in (f"{each.model} · {each.name}", *(() if each.made_by else (str(each.model),)))}


def _timed(params: Any, values: Mapping[str, Any]) -> Iterator[str]:
    """`NETWORK on DEVICE` of each line that says so; nothing of parameters that are read no longer."""
    try:
        found = params.model_validate(dict(values)).timed()
    except ValueError:
        return
    yield from dict.fromkeys(found)


def _network(timed: str, names: set[str]) -> bool:
    """A network or a device may have ` on ` in its name."""
    words = timed.split(ON)
    return any(ON.join(words[:place]) in names for place in range(1, len(words)))
