"""What a driven trace left behind: a row for each second, each swap, and what follows from them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

# Latencies are kept in classes that are 2 % wide.
FINENESS = 50.0


def class_of(ms: float) -> int:
    return round(FINENESS * math.log(max(ms, 1e-3)))


def percentile(classes: Mapping[int, int], share: float) -> float | None:
    """Within 1 % of the latency that so large a share stayed below; None of nothing."""
    total, seen = sum(classes.values()), 0
    for each in sorted(classes):
        seen += classes[each]
        if seen >= share * total:
            return math.exp(each / FINENESS)
    return None


@dataclass
class Row:
    """One second. `changed_to`: who is to serve from its end on, where that is another. `answered`: by network, how many;
    `in_time`: of them within the deadline. `latencies`: how many answers of each class. `serving_s`: in the order of time, as
    (name, seconds). `pass_ms`: the mean computation of `passed_by`, which computed most.
    `resident_bytes`: of the serving process.
    """

    second: int
    arrived: int = 0
    waiting: int = 0
    serving: str = ""
    target: str = ""
    trigger: str = ""
    changed_to: str = ""
    is_degraded: bool = False
    answered: Counter[str] = field(default_factory=Counter)
    in_time: Counter[str] = field(default_factory=Counter)
    latencies: Counter[int] = field(default_factory=Counter)
    serving_s: list[tuple[str, float]] = field(default_factory=list)
    pass_ms: float | None = None
    passed_by: str = ""
    longest_ms: float = 0.0
    resident_bytes: int = 0

    @property
    def p95_ms(self) -> float | None:
        return percentile(self.latencies, 0.95)

    @property
    def late(self) -> int:
        return self.answered.total() - self.in_time.total()

    def as_facts(self) -> dict[str, Any]:
        return {name: dict(value) if isinstance(value, Counter) else value for name, value in vars(self).items()}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Row:
        told = dict(facts)
        told["latencies"] = Counter({int(each): count for each, count in told["latencies"].items()})
        told |= {name: Counter(told[name]) for name in ("answered", "in_time")}
        return cls(**told | {"serving_s": [(name, value) for name, value in told["serving_s"]]})


@dataclass
class Swap:
    """One change. `overhead_ms`: from the trigger to the end of the first answer of the new network, less what its answer takes
    and less the time in which no request was there; None where it was replaced before it answered. `prepared_ms`: what it took
    to have it ready."""

    second: int
    trigger: str
    before: str
    to: str
    prepared_ms: float
    peak_bytes: int
    overhead_ms: float | None = None

    def as_facts(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class Record:
    """All of one way through the trace. `memory`: `empty_bytes` of the process before it held a network, `steady_bytes`,
    `peak_bytes`, as far as the system tells."""

    way: str
    rows: list[Row] = field(default_factory=list)
    swaps: list[Swap] = field(default_factory=list)
    memory: dict[str, int] = field(default_factory=dict)

    @property
    def arrived(self) -> int:
        return sum(row.arrived for row in self.rows)

    @property
    def answered(self) -> int:
        return sum(row.answered.total() for row in self.rows)

    @property
    def late(self) -> int:
        """Answered after their deadline, or not at all."""
        return self.arrived - sum(row.in_time.total() for row in self.rows)

    @property
    def by_network(self) -> Counter[str]:
        return _sum(row.answered for row in self.rows)

    @property
    def longest_ms(self) -> float:
        """The longest time in which somebody waited and nobody was answered."""
        return max((row.longest_ms for row in self.rows), default=0.0)

    @property
    def p95_ms(self) -> float | None:
        return percentile(_sum(row.latencies for row in self.rows), 0.95)

    def effective(self, accuracies: Mapping[str, float]) -> float:
        """Of all requests the share that was answered in time, each counted by the accuracy of the network that answered it."""
        right = sum(count * accuracies[name] for row in self.rows for name, count in row.in_time.items())
        return right / self.arrived if self.arrived else 0.0

    @property
    def overheads_ms(self) -> list[float]:
        return [swap.overhead_ms for swap in self.swaps if swap.overhead_ms is not None]


def _sum(counters: Iterable[Counter[Any]]) -> Counter[Any]:
    total: Counter[Any] = Counter()
    for each in counters:
        total.update(each)
    return total


def median(values: Sequence[float]) -> float | None:
    ordered = sorted(values)
    if not ordered:
        return None
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
