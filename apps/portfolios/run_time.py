"""What networks of a portfolio do at run time, as finished runs found: who serves when, what a set and a change take.

Runs of `portfolio.switching` in which at least two of its variants took part, each told apart by device and by how the set was
held. Everything is read from what a run said at its end; no curve is loaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from uuid import UUID

from apps.accounts.models import User
from apps.experiments import switched
from apps.experiments.models import LIVE, Run, RunVariant, Status
from apps.portfolios.lineage import copies
from apps.portfolios.models import Entry, Portfolio
from apps.portfolios.served import Served
from apps.portfolios.strips import Strip
from apps.portfolios.targets import targets

RECIPE = switched.RECIPE
FEWEST = 2
# Of the newest so many are looked at.
MOST_NAMED, MOST_RUNS = 400, 50


@dataclass(frozen=True)
class Place:
    """One device: how the set was held there, and who would serve there over load and deadline, of one run of these. `colours`:
    of each of the portfolio's networks, by its place there."""

    device: str
    rows: tuple[Served, ...]
    colours: Mapping[int, int]
    asked: str = ""

    @property
    def source(self) -> Served:
        """The run that its bands are of: that of the row that was asked for (`asked`: a run of it), else the newest of those that
        were chosen, else the newest of those that stand here."""
        asked = [row for row in self.rows if self.asked in row.ids]
        chosen = [row for row in self.rows if row.is_chosen]
        return max(asked or chosen or self.rows, key=lambda row: row.run.number)

    @cached_property
    def strips(self) -> list[Strip]:
        colours = {name: self.colours[place] for name, place in self.source.networks.items()}
        return [each.strip(colours) for each in targets(self.source.told)]


@dataclass(frozen=True)
class RunTime:
    """Everything of the part. `waits`: runs go on that may become a part of it."""

    places: tuple[Place, ...]
    waits: bool = False
    mixed: str = ""
    rows: tuple[Served, ...] = field(default=())


def run_time(user: User, portfolio: Portfolio, entries: Sequence[Entry], chosen: Iterable[str] = (),
             asked: str = "") -> RunTime:
    """`chosen`: ids of runs to be shown in place of the newest of their device and residency. `asked`: of a run, whose row says
    who would serve. Four queries, however many runs."""
    same = _same(entries)
    found = _served(user, portfolio, entries, same)
    rows = _chosen(found, set(chosen))
    devices = list(dict.fromkeys(row.device for row in rows))
    colours = _colours(rows, len(entries))
    places = tuple(Place(device, tuple(row for row in rows if row.device == device), colours, asked) for device in devices)
    return RunTime(places, _goes_on(user, portfolio, same), _mixed(rows), tuple(rows))


def rehearsals(user: User, portfolio: Portfolio, entries: Sequence[Entry]) -> list[Served]:
    """Every finished run that can stand there, the newest first. Three queries."""
    return _served(user, portfolio, entries, _same(entries))


def _same(entries: Sequence[Entry]) -> Mapping[UUID, UUID]:
    """Each copy's own variant; none of a portfolio with too few of them to be switched."""
    return copies([entry.variant_id for entry in entries]) if len(entries) >= FEWEST else {}


def _colours(rows: Sequence[Served], entries: int) -> dict[int, int]:
    """Of each of the portfolio's networks the colour that it has on the page of the newest run; then those that it lacks."""
    newest = max(rows, key=lambda row: row.run.number, default=None)
    order = switched.networks(newest.run) if newest else []
    told = {newest.networks[name]: place for place, name in enumerate(order) if name in newest.networks} if newest else {}
    others = (place for place in range(entries) if place not in told)
    return told | {place: colour for colour, place in enumerate(others, max(len(order), len(told)))}


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
