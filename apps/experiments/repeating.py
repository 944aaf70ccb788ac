"""One line that repeats an experiment: through the API, and as loops in a shell. No database."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

from apps.experiments import reading, studies
from apps.experiments.models import Run
from apps.experiments.studies import Part
from apps.experiments.sweeps import MOST_REPEATS
from apps.experiments.unused import counting
from worker import menu


class Lines(NamedTuple):
    """Nothing where a line would not say the same."""

    curl: str = ""
    shell: str = ""


def lines(runs: Sequence[Run], address: str, files: Mapping[str, str]) -> Lines:
    """`files`: what the fields that name things are called in a terminal."""
    known = [(recipe, run.params) for run in runs if (recipe := menu.find(run.recipe))]
    if not known or len(known) < len(runs):
        return Lines()
    parts, seeds = studies.asked_for(known)
    if len(runs) != len(seeds) * sum(prod([len(many) for many in part.sweep.values()]) for part in parts):
        return Lines()
    return Lines(_curl(address, parts, seeds), _shell(parts, seeds, files))


def _curl(address: str, parts: Sequence[Part], seeds: Sequence[int]) -> str:
    first, *others = parts
    follow = list(seeds) == list(range(seeds[0], seeds[0] + len(seeds))) and len(seeds) <= MOST_REPEATS
    sweep = dict(first.sweep) if follow else {**first.sweep, "seed": list(seeds)}
    counts = counting(first.recipe.params, first.values, {**first.values, **sweep})
    values = {name: value for name, value in counts.items() if name not in sweep} | ({"seed": seeds[0]} if follow else {})
    beside = {part.recipe.name: _own(first, part) for part in others}
    return reading.curl(address, first.recipe.name, values, sweep, len(seeds) if follow else 1, beside)


def _own(first: Part, part: Part) -> dict[str, Any]:
    """What a compared recipe is told by itself."""
    names = studies.own(first.recipe, part.recipe)
    said = {"params": {name: value for name, value in part.values.items()
                       if name in names and name not in part.sweep and value is not None},
            "sweep": {name: many for name, many in part.sweep.items() if name in names}}
    return {name: values for name, values in said.items() if values}


def _shell(parts: Sequence[Part], seeds: Sequence[int], files: Mapping[str, str]) -> str:
    """Loops of every recipe, one after the other; nothing when a thing or nothing at all is swept, which has no flag."""
    swept = [(name, many) for part in parts for name, many in part.sweep.items()]
    if any(name in files or None in many for name, many in swept):
        return ""
    return "; ".join(_loops(part, seeds, files) for part in parts)


def _loops(part: Part, seeds: Sequence[int], files: Mapping[str, str]) -> str:
    every = {**part.sweep, **({"seed": seeds} if len(seeds) > 1 else {})}
    counts = counting(part.recipe.params, part.values, {**part.values, **part.sweep})
    fixed = {name: value for name, value in counts.items() if name not in every}
    line = [reading.command(part.recipe.name, fixed, files), *(_flag(name, many) for name, many in every.items())]
    folder = "-".join([part.recipe.name, *(f"${{{name}}}" for name in every)])
    line.append(f'--out "runs/{folder}"')
    said = " ".join(line)
    for name, many in reversed(every.items()):
        said = f"for {name} in {' '.join(_word(name, value) for value in many)}; do {said}; done"
    return said


def _flag(name: str, many: Sequence[Any]) -> str:
    """A switch is looped over whole: `--reference`, `--no-reference`."""
    return f'"${{{name}}}"' if isinstance(many[0], bool) else f'--{name.replace("_", "-")} "${{{name}}}"'


def _word(name: str, value: Any) -> str:
    words = reading.flag(name.replace("_", "-"), value)
    return shlex.quote(words[0] if isinstance(value, bool) else words[1])
