"""Latency against accuracy or size, device by device: which of the measured networks are worth their time where. No database."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from worker import likeness
from worker.likeness import Conditions
from worker.wording import NOISY

AGAINST = {"accuracy": "accuracy", "size": "size"}
PREFERRED = "onnxruntime"


class Setting(NamedTuple):
    """What must be the same for two latencies to stand on one chart, besides the device."""

    engine: str
    threads: int | None
    batch: int | None

    @property
    def key(self) -> str:
        return f"{self.engine}.{self.threads or ''}.{self.batch or ''}"

    @property
    def words(self) -> str:
        threads = f"{self.threads} thread{'' if self.threads == 1 else 's'}" if self.threads else ""
        return " · ".join(part for part in (self.engine, threads, f"batch {self.batch}" if self.batch else "") if part)


@dataclass(frozen=True)
class Point:
    """One network on one device, as one run timed it in one setting."""

    device: str
    setting: Setting
    variant: UUID
    file: str
    name: str
    ms: float
    low_ms: float | None
    high_ms: float | None
    origin: str
    noisy: bool
    size_bytes: int
    run: UUID
    run_number: int
    taken: Conditions
    accuracy: float | None = None
    accuracy_low: float | None = None
    accuracy_high: float | None = None
    accuracy_n: int | None = None

    def worth(self, against: str) -> float | None:
        """What more of is better: accuracy, or bytes that are not needed."""
        return -self.size_bytes if against == "size" else self.accuracy


def settings(points: Iterable[Point]) -> list[tuple[Setting, int]]:
    """The settings with how many points each has, the fullest first."""
    counted = Counter(point.setting for point in points)
    return sorted(counted.items(), key=lambda each: (-each[1], each[0].engine != PREFERRED, each[0].key))


def front(points: Sequence[Point], against: str) -> set[Point]:
    """Those of one device that no other beats: quicker at no loss. What is not known on both sides is not among them."""
    best, found = float("-inf"), set()
    known = [(point, worth) for point in points if (worth := point.worth(against)) is not None]
    for point, worth in sorted(known, key=lambda each: (each[0].ms, -each[1])):
        if worth > best:
            best = worth
            found.add(point)
    return found


class Shown(NamedTuple):
    point: Point
    place: int
    on_line: bool


def shown(points: Sequence[Point], against: str, places: Mapping[str, int]) -> list[Shown]:
    """Device by device, the quickest first."""
    lines = {device: front([point for point in points if point.device == device], against) for device in places}
    every = sorted(points, key=lambda point: (places[point.device], point.device, point.ms))
    return [Shown(point, places[point.device], point in lines[point.device]) for point in every]


def unlike(points: Sequence[Point]) -> list[str]:
    """What of these numbers is not to be taken like the others."""
    others = sorted({f"{point.device} ({point.origin})" for point in points if point.origin != "measured"})
    noisy = sum(point.noisy for point in points)
    # Devices and precisions stand beside each other to be compared; engine, threads and batch are the same already.
    other = likeness.unlike(point.taken._replace(device="", precision="", origin="") for point in points)
    said = [f"These times were taken {'; '.join(other)}."] if other else []
    if others:
        said.append(f"Not everything here was measured: {', '.join(others)}.")
    if noisy:
        verb = "is" if noisy == 1 else "are"
        said.append(f"{noisy} of {len(points)} points {verb} of {NOISY}: drawn hollow, not to be built on.")
    return said


def config(rows: Sequence[Shown], against: str) -> dict[str, Any]:
    """What the script draws: a trade-off with a colour and a Pareto line for each device."""
    chart = {"kind": "tradeoff", "title": f"Latency against {AGAINST[against]}, device by device", "x": "latency_ms_p50",
             "y": ["accuracy" if against == "accuracy" else "size_mb"], "x_title": "latency p50, ms",
             "y_title": "test accuracy" if against == "accuracy" else "size, MB", "percent": against == "accuracy",
             "less": against == "size", "by": "device"}
    places = {row.point.device: row.place for row in rows}
    return {"charts": [chart], "recipe": "", "title": "devices", "order": list(places), "places": places,
            "rows": [said for row, name in zip(rows, _named(rows), strict=True) for said in _said(row.point, name)]}


def _named(rows: Sequence[Shown]) -> list[str]:
    """Two networks may be called alike."""
    seen: Counter[tuple[str, str]] = Counter()
    names = []
    for row in rows:
        key = (row.point.device, row.point.name)
        seen[key] += 1
        names.append(row.point.name if seen[key] == 1 else f"{row.point.name} ({seen[key]})")
    return names


def _said(point: Point, name: str) -> list[dict[str, Any]]:
    """In the words of a run, for the chart that draws runs too."""
    about = {"run": point.device, "variant": name, "device": point.device, "engine": point.setting.engine,
             "threads": point.setting.threads, "batch": point.setting.batch}
    facts = {"size_bytes": point.size_bytes, "size_mb": point.size_bytes / 1e6}
    said = [{"type": "variant", "body": {"run": point.device, "name": name, "facts": facts}},
            {"type": "measured", "body": {**about, "metric": "latency_ms_p50", "value": point.ms, "low": point.low_ms,
                                          "high": point.high_ms, "unit": "ms", "origin": point.origin, "noisy": point.noisy}}]
    if point.accuracy is not None:
        said.append({"type": "measured", "body": {
            "run": point.device, "variant": name, "metric": "accuracy", "value": point.accuracy, "low": point.accuracy_low,
            "high": point.accuracy_high, "split": "test", "origin": "measured", "unit": "fraction"}})
    return said
