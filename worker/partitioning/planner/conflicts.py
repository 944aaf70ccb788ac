"""The fewest of what is asked that no plan keeps together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain, combinations

from worker.partitioning.planner.asking import best
from worker.partitioning.planner.checking import keeps
from worker.partitioning.planner.constraints import Constraint
from worker.partitioning.planner.plan import Plan
from worker.partitioning.planner.problem import Problem

MOST_SEARCHED = 3
Places = tuple[int, ...]
Search = Callable[[Sequence[Constraint]], Sequence[tuple[Plan, Problem]]]


def conflict(problem: Problem, asked: Sequence[Constraint], always: Sequence[Constraint] = (),
             search: Search | None = None) -> list[Constraint] | None:
    """The fewest of what is asked that no plan keeps together, beside what always holds; None where plans exist.

    An empty list: no plan exists whatever is asked, for want of links. Sets of up to three are searched whole, so that none is
    smaller; a larger one has nothing that could be spared. search: gives the best plan, if any, with the problem in whose numbers
    it is told; left out: the planner.
    """
    sets = _Sets(search or (lambda kept: [(plan, problem) for plan in best(problem, kept, count=1)]), asked, always)
    everything = tuple(range(len(asked)))
    if sets.is_possible(everything):
        return None
    needed = sets.needed(everything)
    smaller = chain.from_iterable(combinations(everything, many) for many in range(1, min(len(needed), 1 + MOST_SEARCHED)))
    return [asked[place] for place in next((some for some in smaller if not sets.is_possible(some)), needed)]


class _Sets:
    """Every plan that was found tells of all that it keeps that it can be kept together, so that most sets need no search."""

    def __init__(self, search: Search, asked: Sequence[Constraint], always: Sequence[Constraint]) -> None:
        self.search, self.asked, self.always = search, asked, always
        self.kept: list[frozenset[int]] = []

    def is_possible(self, some: Places) -> bool:
        if any(kept.issuperset(some) for kept in self.kept):
            return True
        found = self.search([*self.always, *(self.asked[place] for place in some)])
        self.kept += [frozenset(place for place, each in enumerate(self.asked) if keeps(problem, plan, each))
                      for plan, problem in found]
        return bool(found)

    def needed(self, places: Places) -> Places:
        """One after the other is let go where nothing is possible without it either: none of those left can be spared."""
        kept = places
        for place in places:
            without = tuple(other for other in kept if other != place)
            kept = kept if self.is_possible(without) else without
        return kept
