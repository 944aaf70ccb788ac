"""What networks of a portfolio do at run time, as finished runs found: who serves when, what a set and a change take.

Runs of `portfolio.switching` in which at least two of its variants took part, each told apart by device and by how the set was
held. Everything is read from what a run said at its end; no curve is loaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from uuid import UUID

from apps.accounts.models import User
from apps.experiments import switched
from apps.experiments.models import LIVE, Run, RunVariant, Status
from apps.portfolios.lineage import copies
from apps.portfolios.models import Entry, Portfolio
from apps.portfolios.strips import Strip, strip
from worker.wording import counted, figures

RECIPE = switched.RECIPE
FEWEST = 2
# The newest runs are looked at, and of each row so many can be chosen from.
MOST_NAMED, MOST_RUNS, MOST_CHOICES = 400, 50, 20
HERE = "this computer"
HELD = {"resident": "all loaded", "disk": "one loaded, others on disk", "packed": "all packed, one loaded"}
# What makes a trace another one.
TRACE = ("trace", "lines", "seconds", "arrivals_per_s", "deadline_ms", "burst", "slower", "seed", "dataset")


@dataclass(frozen=True)
class Served:
    """One finished run. `networks`: what the run called each that is in the portfolio, with its place there."""

    run: Run
    networks: Mapping[str, int]
    entries: Sequence[Entry]
    others: tuple[Run, ...] = ()

    @property
    def told(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.run.summary
        return found

    @property
    def device(self) -> str:
        given = self.run.inputs.get("device")
        return str(self.told.get("device") or (given.get("name") if isinstance(given, dict) else "") or HERE)

    @property
    def residency(self) -> str:
        return str(self.told.get("residency") or self.run.params.get("residency", ""))

    @property
    def held(self) -> str:
        return HELD.get(self.residency, self.residency)

    @property
    def trace(self) -> str:
        """`burst, 60 s, 1,204 requests`."""
        kind = str(self.run.params.get("trace", ""))
        said = ["a trace of its own" if kind == "lines" else kind]
        said += [f"{seconds:,} s"] if isinstance(seconds := self.told.get("trace_s"), int) else []
        return ", ".join([*said, *([counted(asked, "request")] if isinstance(asked := self.told.get("requests"), int) else [])])

    @property
    def same_trace(self) -> tuple[str, ...]:
        """What another run must share to have gone through the same; a load that fitted the networks is as it came out."""
        asked = {**self.run.params, **{name: self.told[name] for name in ("arrivals_per_s", "deadline_ms") if name in self.told}}
        return tuple(repr(asked.get(name)) for name in TRACE)

    @property
    def missing(self) -> list[str]:
        return [str(entry.variant) for place, entry in enumerate(self.entries) if place not in self.networks.values()]

    @property
    def strangers(self) -> list[str]:
        """Networks of the run that the portfolio does not hold."""
        every = self.told.get("networks")
        names = [str(each.get("name", "")) for each in every if isinstance(each, dict)] if isinstance(every, list) else []
        return [name for name in names if name not in self.networks]

    @property
    def took_part(self) -> str:
        """`all 3`, `2 of 3, without level 6`; and who else did."""
        count, missing = len(self.entries), self.missing
        said = f"all {count}" if not missing else f"{count - len(missing)} of {count}, without {', '.join(missing)}"
        return said + (f"; with {', '.join(self.strangers)}, not of this portfolio" if self.strangers else "")

    @property
    def number(self) -> Mapping[str, Any]:
        """What was measured of switching itself."""
        return switched.of_run(self.run) or {}

    @property
    def is_noisy(self) -> bool:
        """Whether something else was at work on the device."""
        return self.told.get("drive_noisy") is True

    @property
    def choices(self) -> list[Served]:
        """This run and those of the same device and residency, the newest first."""
        every = sorted((self.run, *self.others), key=lambda run: -run.number)[:MOST_CHOICES]
        return [Served(run, {}, ()) for run in every] if self.others else []


@dataclass(frozen=True)
class Place:
    """One device: how the set was held there, and who would serve there over load and deadline, of one run of these."""

    device: str
    rows: tuple[Served, ...]

    @property
    def source(self) -> Served:
        """The run that its bands are of: the newest of those that stand here."""
        return max(self.rows, key=lambda row: row.run.number)

    @cached_property
    def strips(self) -> list[Strip]:
        told, colours = self.source.told, self.source.networks
        bands = told.get("drive_bands")
        if not isinstance(bands, dict):
            return []
        load = _scaled("Over the load", bands.get("load"), colours, told.get("arrivals_per_s"), "requests/s")
        deadline = _scaled("Over the deadline", bands.get("deadline"), colours, told.get("deadline_ms"), "ms")
        return [each for each in (load, deadline) if each]


@dataclass(frozen=True)
class RunTime:
    """Everything of the part. `waits`: runs go on that may become a part of it."""

    places: tuple[Place, ...]
    waits: bool = False
    mixed: str = ""
    rows: tuple[Served, ...] = field(default=())


def run_time(user: User, portfolio: Portfolio, entries: Sequence[Entry], chosen: Iterable[str] = ()) -> RunTime:
    """`chosen`: ids of runs to be shown in place of the newest of their device and residency. Four queries, however many runs."""
    same = copies([entry.variant_id for entry in entries]) if len(entries) >= FEWEST else {}
    found = _served(user, portfolio, entries, same)
    rows = _chosen(found, set(chosen))
    devices = list(dict.fromkeys(row.device for row in rows))
    places = tuple(Place(device, tuple(row for row in rows if row.device == device)) for device in devices)
    return RunTime(places, _goes_on(user, portfolio, same), _mixed(rows), tuple(rows))


def _goes_on(user: User, portfolio: Portfolio, same: Mapping[UUID, UUID]) -> bool:
    """Whether a run with at least two of the portfolio's variants has not ended yet. `same`: each copy's own variant."""
    own = {str(one): variant for one, variant in same.items()}
    live = Run.objects.visible_to(user).filter(team=portfolio.team_id, recipe=RECIPE, status__in=LIVE)
    every = live.order_by("-number").values_list("inputs", flat=True)[:MOST_RUNS] if same else ()
    return any(len({own[given["id"]] for given in inputs.values() if given.get("id") in own}) >= FEWEST for inputs in every)


def _served(user: User, portfolio: Portfolio, entries: Sequence[Entry], same: Mapping[UUID, UUID]) -> list[Served]:
    """Finished runs with at least two of the portfolio's variants, the newest first."""
    at = {entry.variant_id: place for place, entry in enumerate(entries)}
    if not same:
        return []
    named = RunVariant.objects.filter(variant__in=same, run__team=portfolio.team_id, run__recipe=RECIPE,
                                      run__status=Status.FINISHED).order_by("-run__number", "pk")
    by_run: dict[UUID, dict[str, int]] = {}
    for run, name, variant in named.values_list("run_id", "name", "variant_id")[:MOST_NAMED]:
        by_run.setdefault(run, {})[name] = at[same[variant]]
    enough = [run for run, names in by_run.items() if len(set(names.values())) >= FEWEST][:MOST_RUNS]
    runs = Run.objects.visible_to(user).filter(pk__in=enough).defer("trace", "environment", "order", "stages")
    return [Served(run, by_run[run.pk], entries) for run in runs.order_by("-number")] if enough else []


def _chosen(found: Sequence[Served], chosen: set[str]) -> list[Served]:
    """Of each device and residency the run that was chosen, else the newest."""
    groups: dict[tuple[str, str], list[Served]] = {}
    for each in found:
        groups.setdefault((each.device, each.residency), []).append(each)
    rows = []
    for _, group in sorted(groups.items()):
        one = next((each for each in group if str(each.run.pk) in chosen), group[0])
        others = tuple(each.run for each in group if each is not one)
        rows.append(Served(one.run, one.networks, one.entries, others))
    return rows


def _mixed(rows: Sequence[Served]) -> str:
    """Why rows are not like with like; nothing where they are."""
    said = ["on different devices"] if len({row.device for row in rows}) > 1 else []
    said += ["through different traces"] if len({row.same_trace for row in rows}) > 1 else []
    sets = {(tuple(sorted(row.networks.values())), tuple(sorted(row.strangers))) for row in rows}
    return ", ".join([*said, *(["with different networks"] if len(sets) > 1 else [])])


def _scaled(title: str, bands: Any, colours: Mapping[str, int], now: Any, unit: str) -> Strip | None:
    """In the unit that people know, where the run said what is now; else in times of it."""
    if isinstance(now, int | float) and now > 0:
        axis = f"{unit}; the dashed line is this trace's: {figures(now)}"
        return strip(title, axis, bands, "name", colours, lambda times: figures(times * now), unit)
    return strip(title, "times what the trace has, the dashed line", bands, "name", colours)
