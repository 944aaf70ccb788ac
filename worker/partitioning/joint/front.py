"""Of all versions those that no other beats in both accuracy and latency, each with its best plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

from worker.partitioning.joint.bounds import bounds, priced, prices
from worker.partitioning.joint.versions import Variant, Version
from worker.partitioning.planner.plan import Plan

SAME_S = 1e-9  # two latencies no further apart are one


@dataclass(frozen=True)
class Standing:
    """A version of the variant with this number, and how it comes out.

    `seconds`: its least latency where `is_exact`, else no plan of it takes less; infinite where there is none. `plan`: where it
    was searched for, which is on the front and wherever a bound left it open.
    """

    variant: int
    version: Version
    accuracy: float
    seconds: float
    is_exact: bool
    plan: Plan | None = None


@dataclass(frozen=True)
class Outcome:
    """`standings`: all versions, variant by variant. `front`: places of the unbeaten among them, the least latency first."""

    standings: tuple[Standing, ...]
    front: tuple[int, ...]

    @property
    def searched(self) -> int:
        """How many were planned in full."""
        return sum(each.plan is not None for each in self.standings)

    def within(self, deadline_s: float = inf, floor: float = 0.0) -> list[int]:
        """Of the front, the least latency first, what comes in time and is as accurate as asked."""
        return [place for place in self.front if self.standings[place].seconds <= deadline_s + SAME_S
                and self.standings[place].accuracy >= floor]

    def beater(self, place: int) -> int | None:
        """The soonest of the front that is at least as accurate; None for what is on the front itself, or cannot be."""
        if place in self.front:
            return None
        return next((each for each in self.front if self.standings[each].accuracy >= self.standings[place].accuracy), None)


def front(variants: Sequence[Variant]) -> Outcome:
    """From the most accurate down: what cannot come sooner than something at least as accurate is not searched."""
    standings = [Standing(number, version, variant.accuracy_of(version), bound.seconds, bound.is_exact)
                 for number, variant in enumerate(variants)
                 for version, bound in zip(variant.versions, bounds(variant), strict=True) if variant.may_be(version)]
    order = sorted(range(len(standings)), key=lambda place: (-standings[place].accuracy, standings[place].seconds, place))
    search, found, soonest = _Search(variants), list[int](), inf
    for place in order:
        standings[place] = search.looked_into(standings[place], soonest - SAME_S)
        if standings[place].plan and standings[place].seconds < soonest - SAME_S:
            found = [each for each in found if standings[each].accuracy > standings[place].accuracy] + [place]
            soonest = standings[place].seconds
    return Outcome(tuple(standings), tuple(reversed(found)))


class _Search:
    """Plans a version only when nothing that is cheaper to know rules it out."""

    def __init__(self, variants: Sequence[Variant]) -> None:
        self.variants = variants
        self.prices: dict[int, list[float]] = {}

    def looked_into(self, standing: Standing, before: float) -> Standing:
        """What is known of it once it is known whether it comes sooner than `before`."""
        if standing.seconds >= before:
            return standing
        variant = self.variants[standing.variant]
        if not standing.is_exact:
            standing = replace(standing, seconds=max(standing.seconds, priced(variant, standing.version, self._prices(standing))))
            if standing.seconds >= before:
                return standing
        plan = variant.best(standing.version)
        return replace(standing, seconds=plan.latency_s if plan else inf, is_exact=True, plan=plan)

    def _prices(self, standing: Standing) -> list[float]:
        if standing.variant not in self.prices:
            self.prices[standing.variant] = prices(self.variants[standing.variant])
        return self.prices[standing.variant]
