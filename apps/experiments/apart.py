"""What tells runs of one recipe apart, in a few words: settings of which several were tried, that differ from those beside them,
or that are not the usual ones. No query: all of it stands in rows that a list has loaded."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any
from uuid import UUID

from apps.experiments.models import Experiment, Run
from apps.experiments.reading import counted
from apps.experiments.studies import RECIPE
from worker import menu
from worker.params import Params, extra, said

MOST, MOST_VALUES, LONGEST = 4, 4, 30


def of_runs(runs: Sequence[Run]) -> dict[UUID, str]:
    """`residency disk, seconds 20`: what its experiment tried several of, in what runs of one name differ, what is unusual."""
    found: dict[UUID, str] = {}
    for group in _grouped(runs, lambda run: (run.recipe, run.experiment.name)):
        differ = _differing(group)
        found |= {run.pk: _short(_words(run, [*_swept(run), *differ, *_unusual(run)])) for run in group}
    return found


def beside(runs: Sequence[Run]) -> dict[UUID, str]:
    """Of runs that are compared, in what those of one recipe differ."""
    found: dict[UUID, str] = {}
    for group in _grouped(runs, lambda run: run.recipe):
        differ = _differing(group)
        found |= {run.pk: _short(_words(run, differ)) for run in group}
    return found


def of_experiment(experiment: Experiment, first: Run) -> str:
    """`residency resident/disk/packed, seconds 20`: of an experiment of several runs, of which this is the first."""
    swept = {name: values for name, values in experiment.sweep if name != RECIPE}
    params, fixed = params_of(first), [name for name in _unusual(first) if name not in swept]
    return _short([*(_tried(params, name, values) for name, values in swept.items()), *_words(first, fixed)])


def _grouped(runs: Iterable[Run], alike: Callable[[Run], Hashable]) -> list[list[Run]]:
    groups: dict[Hashable, list[Run]] = {}
    for run in runs:
        groups.setdefault(alike(run), []).append(run)
    return list(groups.values())


def params_of(run: Run) -> type[Params]:
    """Of a recipe that has left the menu nothing is known."""
    found = menu.find(run.recipe)
    return found.params if found else Params


def _names(params: type[Params]) -> list[str]:
    """The settings, essential ones first. What a run is given stands in its name, and text of several lines is no few words."""
    others = {"seed", *params.references(), *params.networks()}
    names = [name for name in params.model_fields if name not in others and not extra(params, name).get("lines")]
    return sorted(names, key=lambda name: not extra(params, name).get("essential"))


def _values(run: Run) -> dict[str, Any]:
    """What is in force, but for what does not count beside the rest; things by name."""
    values = {**run.params, **run.live_params}
    idle = params_of(run).unused({**values, **run.inputs})
    things = {field: " · ".join(str(given[part]) for part in ("name", "variant") if given.get(part))
              for field, given in run.inputs.items() if isinstance(given, dict)}
    return {name: value for name, value in {**values, **things}.items() if name not in idle}


def _swept(run: Run) -> list[str]:
    return [name for name, _ in run.experiment.sweep if name != "seed" and name in params_of(run).model_fields]


def _differing(runs: Sequence[Run]) -> list[str]:
    every = [_values(run) for run in runs]
    return [name for name in _names(params_of(runs[0])) if len({_plain(values.get(name)) for values in every}) > 1]


def _unusual(run: Run) -> list[str]:
    values, fields = _values(run), params_of(run).model_fields
    usual = {name: fields[name].get_default(call_default_factory=True) for name in _names(params_of(run)) if name in values}
    return [name for name, value in usual.items() if _plain(values[name]) != _plain(value)]


def _plain(value: Any) -> str:
    """`1` and `1.0` are the same, and so are a list and a tuple."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(float(value)) if is_number else json.dumps(value, default=str)


def _words(run: Run, names: Iterable[str]) -> list[str]:
    params, values = params_of(run), _values(run)
    return [_said(params, name, values[name]) for name in dict.fromkeys(names) if name in values]


def _said(params: type[Params], name: str, value: Any) -> str:
    """`hold 5 s`, `classifier`, `no classifier`; `seconds 20`, whose word says the unit."""
    called, meant = word(params, name), said(params, name, value)
    if isinstance(value, bool):
        return called if value else f"no {called}"
    unit = str(extra(params, name).get("unit", "")) if meant is value else ""
    is_said = unit == name or called.startswith(unit.partition("/")[0])
    return f"{called} {_cut(meant) if is_said else counted(_cut(meant), unit)}"


def _tried(params: type[Params], name: str, values: Sequence[Any]) -> str:
    """`residency disk/packed`, `8 values of sparsity`; of things, which are ids here, how many."""
    if len(values) > MOST_VALUES or name in params.references():
        return f"{len(values)} values of {word(params, name)}"
    return f"{word(params, name)} {'/'.join(_cut(said(params, name, value)) for value in values)}"


def word(params: type[Params], name: str) -> str:
    title = params.model_fields[name].title if name in params.model_fields else ""
    return (title or name).replace("_", " ")


def _cut(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    text = text.removesuffix(".0") if isinstance(value, float) else text or "none"
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _short(told: Sequence[str]) -> str:
    return ", ".join([*told[:MOST], *(["…"] if len(told) > MOST else [])])
