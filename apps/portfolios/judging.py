"""Whether a variant keeps a criterion, by the measurement that says so. Pure: no database, no page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal

Verdict = Literal["pass", "fail", "unmeasured", "predicted", "emulated"]
HEADLINE = "onnxruntime"
ORIGINS = ("measured", "emulated", "predicted")
SPLITS = ("test", "validation")
# Two sessions of one and the same file differ by so much where other work disturbs the timing; see worker.profiling.stopwatch.
NOISY_MARGIN = 1.25


@dataclass(frozen=True)
class Evidence:
    """One number about a variant and everything it depends on. `id` and `run` are None for facts of the file itself."""

    metric: str
    value: float
    unit: str
    origin: str
    when: datetime
    low: float | None = None
    high: float | None = None
    n: int | None = None
    device: str = ""
    engine: str = ""
    threads: int | None = None
    batch: int | None = None
    dataset: str = ""
    split: str = ""
    id: str | None = None
    run: str | None = None
    run_number: int | None = None
    samples: bool = False
    noisy: bool = False


@dataclass(frozen=True)
class Rule:
    """A criterion as judging needs it; an empty device or data set stands for any."""

    metric: str
    comparison: str
    bound: float
    device: str = ""
    dataset: str = ""


@dataclass(frozen=True)
class Judged:
    """`verdict` says pass or fail only of what was measured; `keeps` says on which side of the bound the number lies."""

    verdict: Verdict
    keeps: bool | None = None
    is_noise: bool = False
    evidence: Evidence | None = None
    margin: ClassVar[float] = NOISY_MARGIN

    @property
    def passes(self) -> bool:
        return self.verdict == "pass"


def judge(rule: Rule, known: Iterable[Evidence]) -> Judged:
    """The verdict by the best evidence there is; a number that nobody measured never passes."""
    best = chosen(rule, known)
    if best is None:
        return Judged("unmeasured")
    keeps = holds(rule, best.value)
    verdict: Verdict = "pass" if keeps else "fail"
    if best.origin != "measured":
        verdict = "emulated" if best.origin == "emulated" else "predicted"
    return Judged(verdict, keeps, straddles(rule, best), best)


def chosen(rule: Rule, known: Iterable[Evidence]) -> Evidence | None:
    """Measured before emulated before predicted; the test part, the headline engine, single images first; then the newest."""
    fitting = [each for each in known if fits(rule, each)]
    return max(fitting, key=_rank) if fitting else None


def fits(rule: Rule, each: Evidence) -> bool:
    return each.metric == rule.metric and rule.device in ("", each.device) and rule.dataset in ("", each.dataset)


def holds(rule: Rule, value: float) -> bool:
    """A number on the bound keeps it."""
    return value <= rule.bound if rule.comparison == "at_most" else value >= rule.bound


def straddles(rule: Rule, each: Evidence) -> bool:
    """Whether the bound lies inside the interval, so that the number could as well lie on its other side.

    The interval of a timing that was disturbed says less than it seems: it is taken wider on both sides.
    """
    low, high = (each.low, each.high) if each.low is not None and each.high is not None else (each.value, each.value)
    margin = NOISY_MARGIN if each.noisy else 1.0
    return holds(rule, low / margin) != holds(rule, high * margin)


def _rank(each: Evidence) -> tuple[int, int, int, int, datetime, str]:
    # The latency of a batch is that of all its images: one image at a time is what a bound speaks of.
    return (-_place(ORIGINS, each.origin), -_place(SPLITS, each.split), int(each.engine.startswith(HEADLINE)),
            int(each.batch in (None, 1)), each.when, each.id or "")


def _place(order: tuple[str, ...], word: str) -> int:
    return order.index(word) if word in order else len(order)
