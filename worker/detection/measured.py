"""What a detector's network was measured to take on a device, looked up in what a run was given. No NumPy: forms ask it too."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from worker.detection.lines import LEAST_MS, MOST_MS, Detector
from worker.evidence import Evidence, LatencyFacts
from worker.wording import NOISY

ON = " on "
# Of scatter like that of a bell curve, 95 % lie below the median and so many standard deviations.
DEVIATIONS, MOST_SHARE = 1.645, 0.5
MOST_NAMED = 5


@dataclass(frozen=True)
class Timed:
    """`share`: the standard deviation as a share of the median; None where the spread was not kept. `noisy`: it was disturbed.

    `source`: which run measured it, where that is known.
    """

    of: str
    ms: float
    share: float | None = None
    n: int | None = None
    engine: str = ""
    noisy: bool = False
    source: str = ""

    def __str__(self) -> str:
        spread = "" if self.share is None else f", scattering by {100 * self.share:.0f} %"
        more = ", ".join(said for said in (self.source, self.engine, f"{self.n:,} inferences" if self.n else "",
                                           NOISY if self.noisy else "") if said)
        return f"{self.of}: {self.ms:.4g} ms{spread}, measured{f' ({more})' if more else ''}"


def looked_up(evidence: Evidence, of: str) -> Timed | None:
    """By `NETWORK on DEVICE`: a latency, else the whole network of a profile that was measured there."""
    pairs = set(_pairs(of))
    found = [each for each in evidence.latencies if (each.network, _name(evidence, each.device)) in pairs]
    if found:
        return _timed(of, found[0])
    whole = (seen.profile for seen in evidence.profiles if (seen.profile.network, _name(evidence, seen.device)) in pairs
             and seen.profile.origin == "measured" and seen.profile.batch == 1)
    profile = next(whole, None)
    if profile is None:
        return None
    return Timed(of, 1e3 * (profile.whole_s or profile.total_s), None, profile.repeats, profile.engine, profile.noisy)


def _timed(of: str, found: LatencyFacts) -> Timed:
    share = None if found.p95_ms is None else min(max(found.p95_ms / found.p50_ms - 1, 0) / DEVIATIONS, MOST_SHARE)
    source = f"run {found.run}, {found.recipe}" if found.run else ""
    return Timed(of, found.p50_ms, share, found.n, found.engine, found.noisy, source)


def _pairs(of: str) -> Iterator[tuple[str, str]]:
    """Each way to read it: a network or a device may have ` on ` in its name."""
    words = of.split(ON)
    for place in range(1, len(words)):
        yield ON.join(words[:place]), ON.join(words[place:])


def _name(evidence: Evidence, device: str) -> str:
    known = evidence.device(device)
    return known.name if known else device


def lacking(evidence: Evidence, detectors: Sequence[Detector]) -> str:
    """Why the lines cannot be run with what is known; nothing where they can."""
    for each in detectors:
        if not each.of:
            continue
        found = looked_up(evidence, each.of)
        if found is None:
            return (f"{each.name!r} is to take what {each.of!r} was measured to take, and nothing was; measured are: "
                    f"{_known(evidence)}. Run Latency of that network on that device, images one by one")
        if not LEAST_MS <= found.ms <= MOST_MS:
            return f"{each.name!r}: {each.of} takes {found.ms:.4g} ms; {LEAST_MS:g} to {MOST_MS:,} ms can be rehearsed"
    return ""


def _known(evidence: Evidence) -> str:
    latencies = [f"{each.network}{ON}{_name(evidence, each.device)}" for each in evidence.latencies]
    profiles = [f"{each.profile.network}{ON}{_name(evidence, each.device)}" for each in evidence.profiles
                if each.profile.origin == "measured" and each.profile.batch == 1]
    there = list(dict.fromkeys((*latencies, *profiles)))
    more = f" and {len(there) - MOST_NAMED} more" if len(there) > MOST_NAMED else ""
    return (", ".join(there[:MOST_NAMED]) + more) or "none"


def filled(detectors: Sequence[Detector], evidence: Evidence) -> tuple[tuple[Detector, ...], dict[str, Timed]]:
    """With what was measured, the fastest first. ValueError in a sentence where something is not known."""
    if said := lacking(evidence, detectors):
        raise ValueError(said)
    known = {each.name: found for each in detectors if each.of and (found := looked_up(evidence, each.of))}
    told = [replace(each, latency_ms=known[each.name].ms) if each.name in known else each for each in detectors]
    return tuple(sorted(told, key=lambda each: each.latency_ms)), known
