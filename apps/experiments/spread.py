"""Means and spreads over seeds: runs of one combination of parameters taken together. No database."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import floor, isfinite, log10
from statistics import fmean, stdev
from typing import Any, NamedTuple
from uuid import UUID

from apps.experiments.models import Run
from apps.experiments.reading import Result
from apps.experiments.studies import RECIPE
from apps.experiments.sweeps import unseeded
from worker.wording import NOISY

TIMED_AGAIN = "latency_ms"
MEASURES = ("accuracy", "latency_ms", "params", "size_bytes", "macs", "sent_bytes", "measured_memory_bytes")
# What is known of a whole run, and the numbers of its summary that make it up; those of pruning hold the warm-up already, and
# epoch equivalents count pruning too.
OF_RUN = {"seconds": ("prune_seconds", "train_seconds"), "epochs": ("epoch_equivalents",),
          "nonzero": ("nonzero_params_after",), "sent_bytes": ("sent_bytes",),
          "measured_memory_bytes": ("measured_memory_bytes",)}
# Known of runs of some kinds only: a table has a column for it, and a test is offered, where any run has said it.
OF_SOME = {"sent_bytes": "bytes sent", "measured_memory_bytes": "peak memory"}


class Spread(NamedTuple):
    """The mean of n values and their standard deviation, which one value does not have."""

    n: int
    mean: float
    sd: float | None

    @property
    def beside(self) -> str:
        """The deviation with as many places as the mean is written with, `0.0120 ± 0.0001`; below these `± <0.0001`."""
        if self.sd is None:
            return ""
        places = min(9, max(0, 2 - floor(log10(abs(self.mean))))) if self.mean else 3
        return deviation(self.sd, places)

    @property
    def beside_percent(self) -> str:
        """The same of fractions that are written as percent."""
        return "" if self.sd is None else f"{deviation(100 * self.sd, 1)}\u00a0%"


@dataclass
class Combination:
    """What runs of the same parameters but the seed said of one variant."""

    values: dict[str, Any]
    name: str
    is_reference: bool
    # Whether its runs made no other variant beside the networks of comparison.
    is_alone: bool = True
    rows: list[tuple[Run, Result]] = field(default_factory=list)

    def of(self, measure: str) -> Spread | None:
        """Over seeds: runs that share a seed count once, with their mean. Each timing counts: it is another each time."""
        if measure == TIMED_AGAIN:
            return spread([row.latency_ms for _, row in self.rows if row.latency_ms is not None])
        return spread(list(self.by_seed(measure).values()))

    def by_seed(self, measure: str) -> dict[Any, float]:
        """The value of each seed; the mean where runs share one."""
        found: dict[Any, list[float]] = {}
        for run, row in self.rows:
            value = self._of_run(run, measure) if measure in OF_RUN else getattr(row, measure)
            if value is not None and isfinite(value):
                found.setdefault(run.params.get("seed"), []).append(float(value))
        return {seed: fmean(values) for seed, values in found.items()}

    def _of_run(self, run: Run, measure: str) -> float | None:
        """As the run's summary says it; nothing before it is finished, and no variant's own fact where it made several."""
        if measure == "nonzero" and not self.is_alone:
            return None
        said = [run.summary.get(key) for key in OF_RUN[measure]]
        known = [float(value) for value in said if isinstance(value, int | float) and not isinstance(value, bool)]
        return sum(known) if known else None

    @property
    def noise(self) -> str:
        """The word for timings of which any was disturbed."""
        return NOISY if any(row.latency_noisy for _, row in self.rows) else ""

    @property
    def qualified(self) -> str:
        """What is to be said beside the latency: that some of it was predicted or emulated, or disturbed."""
        others = {row.origin for _, row in self.rows if row.latency_ms is not None} - {"", "measured"}
        return ", ".join([*sorted(others), *filter(None, [self.noise])])

    @property
    def variant_id(self) -> str:
        """The variant of the seed that lies nearest to the mean accuracy: the most ordinary one, not the luckiest."""
        made = [row for _, row in self.rows if row.variant_id]
        mean = self.of("accuracy")
        nearest = min(made, key=lambda row: abs((row.accuracy or 0.0) - (mean.mean if mean else 0.0)), default=None)
        return nearest.variant_id if nearest else ""


def deviation(sd: float, places: int) -> str:
    """A deviation that is there is never written as nothing: what the places cannot hold is `<0.1`."""
    least = 10.0**-places
    return f"<{least:.{places}f}" if 0 < sd < least / 2 else f"{sd:.{places}f}"


def spread(values: Sequence[float]) -> Spread | None:
    known = [value for value in values if isfinite(value)]
    if not known:
        return None
    return Spread(len(known), fmean(known), stdev(known) if len(known) > 1 else None)


def known(measures: Iterable[str], combinations: Sequence[Combination]) -> list[str]:
    """Of these, those that every kind of run says, or that one of these runs has said."""
    return [name for name in measures if name not in OF_SOME or any(each.of(name) for each in combinations)]


def combined(runs: Iterable[Run], rows: Mapping[UUID, list[Result]], fields: Sequence[str]) -> list[Combination]:
    """One entry for each combination and variant, the networks of comparison first; in the order of the runs."""
    found: dict[tuple[str, str], Combination] = {}
    for run in runs:
        for row in rows.get(run.pk, []):
            values = {name: in_force(run, name) for name in fields}
            key = (alike_but_for_the_seed(run), row.name)
            alone = sum(not other.is_reference for other in rows[run.pk]) == 1
            found.setdefault(key, Combination(values, row.name, row.is_reference, alone)).rows.append((run, row))
    return sorted(_one_reference(list(found.values())), key=lambda each: not each.is_reference)


def in_force(run: Run, field: str) -> Any:
    """A parameter as it was at the end; the recipe counts as one. None where the run's recipe does not take it."""
    return run.recipe if field == RECIPE else {**run.params, **run.live_params}.get(field)


def alike_but_for_the_seed(run: Run) -> str:
    """What two runs share whose numbers may be taken together: the recipe and its parameters, as they were at the end."""
    return f"{run.recipe} {unseeded({**run.params, **run.live_params})}"


def _one_reference(every: list[Combination]) -> list[Combination]:
    """The dense networks as one when the swept parameters do not touch them: then equal seeds gave equal accuracies."""
    dense = [each for each in every if each.is_reference]
    said: dict[Any, set[float | None]] = {}
    for each in dense:
        for run, row in each.rows:
            said.setdefault(run.params.get("seed"), set()).add(row.accuracy)
    if len({each.name for each in dense}) != 1 or len(dense) < 2 or any(len(values) > 1 for values in said.values()):
        return every
    one = Combination({}, dense[0].name, is_reference=True, rows=[row for each in dense for row in each.rows])
    return [one, *(each for each in every if not each.is_reference)]


def unlike(rows: Iterable[Result]) -> list[str]:
    """Why these numbers are not like with like: what differs in how they were measured."""
    every = list(rows)
    timed = [row for row in every if row.latency_ms is not None]
    judged = [row for row in every if row.accuracy is not None]
    said = [_differ("latencies were measured", words, {getattr(row, name) for row in timed}) for name, words in TIMED.items()]
    said += [_differ("accuracies were judged", words, {getattr(row, name) for row in judged}) for name, words in JUDGED.items()]
    return [sentence for sentence in said if sentence]


def changed(runs: Iterable[Run]) -> list[str]:
    """Which runs were not what was asked for to their end: a parameter was changed while they went on."""
    found: dict[str, list[str]] = {}
    for run in runs:
        if run.live_params:
            words = " and ".join(name.replace("_", " ") for name in sorted(run.live_params))
            found.setdefault(words, []).append(str(run.number))
    return [f"{words} was changed while {'runs' if len(numbers) > 1 else 'run'} {', '.join(numbers)} went on: they stand apart"
            for words, numbers in found.items()]


TIMED = {"latency_device": "on different devices", "latency_engine": "by different engines", "origin": "in different ways",
         "latency_threads": "with different numbers of threads", "latency_batch": "with different batches"}
JUDGED = {"accuracy_data": "on different data sets", "accuracy_of": "on different parts of the data"}


def _differ(what: str, how: str, values: set[Any]) -> str:
    """A sentence when there is more than one; what nobody noted differs from nothing."""
    known = sorted(str(value) for value in values if value not in (None, ""))
    return f"{what} {how}: {', '.join(known)}" if len(known) > 1 else ""
