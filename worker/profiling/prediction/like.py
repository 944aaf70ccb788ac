"""Like with like: of all measured profiles those of one engine, one number of threads and one batch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from worker.evidence import Evidence, Seen
from worker.profile import NetworkProfile


class Way(NamedTuple):
    """How a profile was measured. `threads` may be unknown of files that were brought."""

    engine: str
    threads: int | None
    batch: int

    def __str__(self) -> str:
        threads = "" if self.threads is None else f"{self.threads} thread{'' if self.threads == 1 else 's'}"
        return ", ".join(part for part in (self.engine or "engine not said", threads, f"batch {self.batch}") if part)


def way_of(profile: NetworkProfile) -> Way:
    return Way(profile.engine, profile.threads, profile.batch)


def ways(evidence: Evidence) -> list[Way]:
    """The best known one first: by devices, then by profiles."""
    found: dict[Way, list[Seen]] = {}
    for each in evidence.profiles:
        found.setdefault(way_of(each.profile), []).append(each)
    return sorted(found, key=lambda way: (-len({each.device for each in found[way]}), -len(found[way]), str(way)))


def alike(evidence: Evidence, way: Way) -> Evidence:
    return evidence.model_copy(update={"profiles": tuple(each for each in evidence.profiles if way_of(each.profile) == way)})


def asked_for(known: Iterable[Way], engine: str, threads: int, batch: int) -> list[Way]:
    """Those that were asked for; an empty engine and 0 threads stand for any."""
    return [way for way in known if way.engine.startswith(engine) and threads in (0, way.threads) and way.batch == batch]
