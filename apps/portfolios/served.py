"""One finished run that switched networks of a portfolio, as a row tells it: who took part, how the set was held, what came out.

Everything is read from what the run said at its end, as carefully as anything from outside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from apps.experiments import switched
from apps.experiments.models import Run
from apps.portfolios.models import Entry
from worker.wording import counted, figures

# Of each row so many runs can be chosen from.
MOST_CHOICES = 20
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
    def brief(self) -> str:
        """`burst, 60 s`: as much of its trace as tells runs of one row from each other, in a choice."""
        seconds = self.told.get("trace_s")
        return ", ".join([str(self.run.params.get("trace", "")), *([f"{seconds:,} s"] if isinstance(seconds, int) else [])])

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
        return [name for name in switched.networks(self.run) if name not in self.networks]

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
    def ids(self) -> set[str]:
        """Of all runs that this row can be of."""
        return {str(run.pk) for run in (self.run, *self.others)}

    @property
    def is_chosen(self) -> bool:
        """Whether it is another than the newest, which stands there when nobody chooses."""
        return any(run.number > self.run.number for run in self.others)

    @property
    def answered_by(self) -> str:
        """`dense 81 %, lean 19 %; tiny never`: whose answers they were; nothing where that was not told."""
        counts = self._answers()
        total, serving = sum(counts.values()), sorted(filter(counts.get, counts), key=lambda name: -counts[name])
        never = ", ".join(name for name, count in counts.items() if not count)
        said = ", ".join(f"{name} {figures(100 * counts[name] / total)}\u00a0%" for name in serving)
        return f"{said}; {never} never" if said and never else said

    def _answers(self) -> dict[str, int]:
        """Of each network of the run, how often it answered. A board may have said it: what is no count is left out."""
        ways = self.told.get("drive_ways")
        own = ways[0] if isinstance(ways, list) and ways else None
        told = own.get("answered_by") if isinstance(own, dict) else None
        every = {name: told.get(name, 0) for name in (*self.networks, *self.strangers)} if isinstance(told, dict) else {}
        return {name: count for name, count in every.items()
                if isinstance(count, int) and not isinstance(count, bool) and 0 <= count <= switched.LARGEST}

    @property
    def choices(self) -> list[Served]:
        """This run and those of the same device and residency, the newest first."""
        every = sorted((self.run, *self.others), key=lambda run: -run.number)[:MOST_CHOICES]
        return [Served(run, {}, ()) for run in every] if self.others else []


def positive(value: Any) -> float | None:
    """A number above zero that a run told; None where it is none. A board may have said it."""
    is_one = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= switched.LARGEST
    return float(value) if is_one else None
