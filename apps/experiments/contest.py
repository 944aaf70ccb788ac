"""One arm against the baseline: differences pair by pair, over seeds, their test, and the words that it allows. No database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from apps.experiments.arms import Match, Setting
from apps.experiments.paired import FEWEST, SIGNIFICANT, Paired, holm, paired
from worker.wording import NOISY

# What can be tested, and the words for a positive and a negative difference.
MEASURES = {"accuracy": ("more accurate", "less accurate"), "latency_ms": ("slower", "faster"),
            "seconds": ("takes longer", "takes less time"), "sent_bytes": ("sends more", "sends less"),
            "measured_memory_bytes": ("takes more memory", "takes less memory")}
ALL = "all settings together"


@dataclass(frozen=True)
class Verdict:
    """What the pairs of one arm and the baseline say: of one setting, or of all, each seed's mean over them."""

    arm: str
    of: str
    measure: str
    differences: Mapping[Any, float]
    test: Paired | None
    matches: int
    is_noisy: bool = False
    unlike: bool = False
    p_holm: float | None = None

    @property
    def seeds(self) -> list[Any]:
        return sorted(self.differences)

    @property
    def noise(self) -> str:
        return NOISY if self.is_noisy else ""

    @property
    def words(self) -> str:
        """What may be said; nobody is better while chance explains it, or while too few pairs speak."""
        if self.test is None:
            return "came about in different ways: not compared" if self.unlike else "no pairs"
        if self.test.n < FEWEST:
            return f"too few seeds to say: {self.test.n}"
        if self.is_noisy:
            return f"{NOISY}: nothing is concluded"
        if not self.test.is_told_apart:
            return "no difference shown"
        word = MEASURES[self.measure][self.test.mean < 0]
        if self.p_holm is not None and self.p_holm > SIGNIFICANT:
            return f"{word} by the interval, but not by p after Holm{self._least}"
        return word

    @property
    def _least(self) -> str:
        """That so few seeds cannot reach the level at all."""
        if self.test is None or self.test.least_p <= SIGNIFICANT:
            return ""
        return f": {self.test.n} seeds give no p under {self.test.least_p:.2g}"


def verdicts(matches: Sequence[Match], others: Sequence[str], measure: str) -> list[Verdict]:
    """Each other arm against the baseline, over all settings in which both were run; corrected for the number of arms."""
    return _corrected([_together(arm, matches, measure) for arm in others])


def by_setting(matches: Sequence[Match], others: Sequence[str], measure: str) -> list[Verdict]:
    """The same of each setting alone; corrected for all of them."""
    return _corrected([_verdict(arm, match.base.label, measure, [match]) for match in matches for arm in others
                       if arm in match.beside])


def _together(arm: str, matches: Sequence[Match], measure: str) -> Verdict:
    return _verdict(arm, ALL, measure, [match for match in matches if arm in match.beside])


def _verdict(arm: str, of: str, measure: str, matches: Sequence[Match]) -> Verdict:
    comparable = [match for match in matches if _alike(match.base, match.beside[arm], measure)]
    every = [_differences(match.base, match.beside[arm], measure) for match in comparable]
    # A seed counts where it was run in every setting: otherwise its mean would be one over other settings.
    seeds = set.intersection(*map(set, every)) if every else set()
    found = {seed: fmean([each[seed] for each in every]) for seed in seeds}
    noisy = measure == "latency_ms" and any(each.each.noise for match in comparable for each in (match.base, match.beside[arm]))
    return Verdict(arm, of, measure, found, paired(list(found.values())), len(comparable), is_noisy=noisy,
                   unlike=not comparable and any(match.base.terms(measure) and match.beside[arm].terms(measure)
                                                 for match in matches))


def _alike(one: Setting, other: Setting, measure: str) -> bool:
    """Whether both numbers are there and came about in the same one way."""
    return len(one.terms(measure)) == 1 and one.terms(measure) == other.terms(measure)


def _differences(base: Setting, other: Setting, measure: str) -> dict[Any, float]:
    first, second = base.each.by_seed(measure), other.each.by_seed(measure)
    return {seed: second[seed] - first[seed] for seed in second if seed in first}


def _corrected(every: Sequence[Verdict]) -> list[Verdict]:
    """Holm's correction over those that could be tested."""
    tested = [each for each in every if each.test]
    adjusted = dict(zip(map(id, tested), holm([each.test.p for each in tested if each.test]), strict=True))
    return [replace(each, p_holm=adjusted.get(id(each))) for each in every]
