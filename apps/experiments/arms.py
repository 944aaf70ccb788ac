"""Recipes, or the values of another swept field, side by side: which of their settings may be compared, and why others may not.

An arm is one of the things compared, a setting one combination of an arm's other values, a match the settings of several arms
that have the same values, or the same budget within a tolerance. No database.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from apps.experiments.spread import OF_RUN, Combination, Spread

# What may be held equal, in the words of a heading; nothing means that the settings themselves are the same.
BUDGETS = {"": "settings", "params": "parameters", "nonzero": "non-zero parameters", "macs": "MACs", "epochs": "epochs"}
TIMED = ("latency_engine", "latency_device", "latency_threads", "latency_batch", "origin")
JUDGED = ("accuracy_data", "accuracy_of")
FAR = float("inf")


@dataclass(frozen=True, eq=False)
class Setting:
    """One combination of an arm, without the value that makes it this arm."""

    arm: str
    values: Mapping[str, Any]
    each: Combination
    known: dict[str, Spread | None] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """`sparsity 0.5, epochs 2`; the variant's name where nothing else was swept."""
        said = [f"{name.replace('_', ' ')} {value}" for name, value in self.values.items() if value is not None]
        return ", ".join(said) or self.each.name

    @cached_property
    def given(self) -> frozenset[tuple[str, str]]:
        """The model and the data that it was given."""
        return frozenset((name, str(thing.get("id"))) for run, _ in self.each.rows for name, thing in run.inputs.items()
                         if isinstance(thing, dict) and thing.get("kind") in ("model", "dataset", "recordings"))

    def of(self, measure: str) -> Spread | None:
        if measure not in self.known:
            self.known[measure] = self.each.of(measure)
        return self.known[measure]

    def terms(self, measure: str) -> set[Any]:
        """How a number came about: two are comparable when both came about in the same one way."""
        if measure == "seconds":
            return {run.worker.partition(":")[0] for run, row in self.each.rows if run.summary}
        if measure in OF_RUN:
            return {()} if self.of(measure) else set()
        names = {"latency_ms": TIMED, "accuracy": JUDGED}.get(measure, ())
        return {tuple(getattr(row, name) for name in names) for _, row in self.each.rows if getattr(row, measure) is not None}


@dataclass
class Match:
    """A setting of the baseline, and beside it the setting of each other arm that goes with it."""

    base: Setting
    beside: dict[str, Setting] = field(default_factory=dict)


@dataclass(frozen=True)
class Left:
    """A setting that no setting of another arm goes with."""

    setting: Setting
    against: str
    why: str


def arms_of(combinations: Sequence[Combination], by: str, names: Iterable[str] = ()) -> dict[str, list[Setting]]:
    """The settings of each value of a field, those named first, measured or not; the networks of comparison belong to none."""
    found: dict[str, list[Setting]] = {name: [] for name in names}
    for each in combinations:
        if not each.is_reference and each.values.get(by) is not None:
            arm = str(each.values[by])
            rest = {name: value for name, value in each.values.items() if name != by}
            found.setdefault(arm, []).append(Setting(arm, rest, each))
    return found


def matched(arms: Mapping[str, Sequence[Setting]], baseline: str, hold: str, within: float) -> tuple[list[Match], list[Left]]:
    """Each setting of the baseline with those of the others that go with it, one to one; and who is left out, and why."""
    matches = [Match(base) for base in arms[baseline]]
    left: list[Left] = []
    for arm, settings in arms.items():
        if arm != baseline:
            taken = _pair(matches, settings, hold, within)
            left += [Left(each.base, arm, _why(each.base, settings, hold, within))
                     for each in matches if arm not in each.beside]
            left += [Left(each, baseline, _why(each, arms[baseline], hold, within)) for each in settings if id(each) not in taken]
    return matches, left


def _pair(matches: Sequence[Match], settings: Sequence[Setting], hold: str, within: float) -> set[int]:
    """The closest pairs first: those whose other settings agree most, then those nearest in the budget."""
    gaps = ((_gap(match.base, each, hold), row, place)
            for row, match in enumerate(matches) for place, each in enumerate(settings))
    found = sorted((differing(matches[row].base, settings[place]), gap, row, place) for gap, row, place in gaps
                   if gap is not None and gap <= within)
    rows: set[int] = set()
    places: set[int] = set()
    for _, _, row, place in found:
        if row not in rows and place not in places:
            matches[row].beside[settings[place].arm] = settings[place]
            rows.add(row)
            places.add(place)
    return {id(settings[place]) for place in places}


def differing(one: Setting, other: Setting) -> int:
    """In how many values two settings differ."""
    return sum(one.values.get(name) != other.values.get(name) for name in {**one.values, **other.values})


def _gap(base: Setting, other: Setting, hold: str) -> float | None:
    """How far apart two settings are, as a part of the first one's budget; None when they are not like with like."""
    if base.given != other.given:
        return None
    if not hold:
        same_variant = base.each.name == other.each.name or (base.each.is_alone and other.each.is_alone)
        return 0.0 if same_variant and not differing(base, other) else None
    one, two = base.of(hold), other.of(hold)
    if one is None or two is None:
        return None
    return abs(two.mean - one.mean) / one.mean if one.mean else 0.0 if two.mean == 0 else FAR


def _why(setting: Setting, others: Sequence[Setting], hold: str, within: float) -> str:
    """Why none of the others goes with it."""
    if not others:
        return "nothing was measured of the other"
    alike = [other for other in others if other.given == setting.given]
    if not alike:
        return "was given another model or other data"
    if not hold:
        return next(_unequal(setting, alike))
    if setting.of(hold) is None:
        return f"its {BUDGETS[hold]} are not known yet"
    gaps = [(gap, other) for other in alike if (gap := _gap(setting, other, hold)) is not None]
    if not gaps:
        return f"the {BUDGETS[hold]} of the others are not known yet"
    gap, nearest = min(gaps, key=lambda each: each[0])
    if gap <= within:
        return f"the nearest, {nearest.label}, is compared with a setting that is nearer to it"
    return f"the nearest, {nearest.label}, is {'far' if gap == FAR else f'{100 * gap:.3g} %'} away"


def _unequal(setting: Setting, others: Sequence[Setting]) -> Iterator[str]:
    names = {name: None for other in others for name in {**setting.values, **other.values}}
    lacking = [name.replace("_", " ") for name in names
               if all((setting.values.get(name) is None) != (other.values.get(name) is None) for other in others)]
    if lacking:
        yield f"not both take {' and '.join(lacking)}: hold a budget equal instead"
    if any(not differing(setting, other) for other in others):
        yield "several variants came of it: hold a budget equal instead"
    yield "no run has the same settings"
