"""The best plans whose sums over the whole plan stay within budgets: shares of the computing, bytes, energy.

Such a budget cannot be read off a single block or message, and the problem is NP-hard. Exact all the same, in two steps:

1. A price on each budget makes cost + price x use a cost like any other, so plans come in its order one by one; no plan within
   the budget costs less than its priced cost - price x budget, so the list is complete as soon as that bound passes the cost of
   the last plan kept (Handler and Zang, 1980, who also find the price, by drawing lines through two plans).
2. Where that goes on for too long, the plans kept so far say what a better one may cost at most, and all beginnings of plans
   are laid out that cost, priced cost and use leave, and that are not beaten by others (`labels.py`).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice, pairwise

import numpy as np

from worker.partitioning.planner.labels import Channel, TooMany, laid_out
from worker.partitioning.planner.problem import DEAREST, NEVER, Costs
from worker.partitioning.planner.ranking import Path, Ranked, key_of, ranked
from worker.partitioning.planner.space import Budget, Space
from worker.partitioning.planner.sweep import Field, sweep

LISTED = 300  # plans, before beginnings are laid out
MOST_LINES = 30

__all__ = ["TooMany", "cheapest", "least", "parts_of", "prices_of", "within"]


def cheapest(space: Space, costs: Costs, count: int) -> list[Ranked]:
    """Up to `count` plans of a space, whatever it asks, by cost. Raises TooMany."""
    return within(space, costs, count) if space.budgets else list(islice(ranked(sweep(space, costs)), count))


def within(space: Space, costs: Costs, count: int) -> list[Ranked]:
    """Up to `count` plans within all budgets of the space, by cost, then as `ranked` orders equal ones. Raises TooMany."""
    uses = [Channel(budget.costs, sweep(space, budget.costs), budget.most) for budget in space.budgets]
    if any(int(use.field.first.min()) > use.most for use in uses):
        return []
    prices = prices_of(space, costs)
    priced = _priced(costs, space.budgets, prices)
    lowest = sweep(space, priced)
    given = _given(space, prices)
    kept, is_all = _listed(space, costs, lowest, given, count)
    if is_all:
        return kept
    kept = _merged([*kept, *_thriftiest(space, costs, uses, count)], count)
    cost = sweep(space, costs)
    # Few beginnings give good plans soon; what these cost leaves few beginnings where none may be missed.
    for beaten_by in sorted({1, count}):
        most = kept[-1].cost if len(kept) == count else DEAREST
        channels = [Channel(costs, cost, most), Channel(priced, lowest, most + given), *uses]
        kept = _merged([*kept, *laid_out(space, channels, count, beaten_by)], count)
    return kept


def _merged(found: Sequence[Ranked], count: int) -> list[Ranked]:
    return sorted(set(found), key=lambda each: (each.cost, key_of(each.path)))[:count]


def least(space: Space, costs: Costs, prices: Sequence[float]) -> int:
    """No plan within the budgets costs less, whatever the prices; one sweep."""
    lowest = int(sweep(space, _priced(costs, space.budgets, prices)).first.min())
    return NEVER if lowest >= DEAREST else lowest - _given(space, prices)


def _given(space: Space, prices: Sequence[float]) -> int:
    """What prices take off a plan that uses all that it may."""
    given = sum(price * budget.most for price, budget in zip(prices, space.budgets, strict=True))
    return int(given) + space.problem.blocks + 100  # each part of a plan was rounded once


def prices_of(space: Space, costs: Costs) -> list[float]:
    """One price a budget, each set in turn with the others as they are. Some plan must be possible without the budgets."""
    budgets = space.budgets
    prices = [0.0] * len(budgets)
    for _ in range(1 if len(budgets) == 1 else 3):
        for place, budget in enumerate(budgets):
            prices[place] = 0.0
            prices[place] = _price(space, _priced(costs, budgets, prices), budget)
    return prices


def _price(space: Space, costs: Costs, budget: Budget) -> float:
    """Where the best priced plan changes from one over the budget to one within it."""
    over, inside = _best(space, costs, budget), _best(space, budget.costs, budget, costs)
    if over[1] <= budget.most or inside[1] > budget.most:
        return 0.0
    price, dearest = 0.0, NEVER / 8 / max(float(np.abs(budget.blocks).max(axis=0).sum()), 1.0)
    for _ in range(MOST_LINES):
        price = min((inside[0] - over[0]) / (over[1] - inside[1]), dearest)
        found = _best(space, _priced(costs, [budget], [price]), budget, costs)
        if found[0] + price * found[1] >= over[0] + price * over[1] - len(budget.blocks[0]) - 100:
            break
        over, inside = (found, inside) if found[1] > budget.most else (over, found)
    return price


def _best(space: Space, ordered_by: Costs, budget: Budget, costs: Costs | None = None) -> tuple[int, int]:
    """Cost and use of the plan that comes first in this order."""
    first = next(ranked(sweep(space, ordered_by)))
    return _sum(space, costs or ordered_by, first.path), _sum(space, budget.costs, first.path)


def _priced(costs: Costs, budgets: Sequence[Budget], prices: Sequence[float]) -> Costs:
    blocks, hops = costs.blocks, costs.hops
    for budget, price in zip(budgets, prices, strict=True):
        blocks = blocks + np.rint(price * budget.blocks).astype(np.int64)
        hops = np.where(hops < DEAREST, hops + np.rint(price * budget.hops).astype(np.int64), NEVER)
    return Costs(blocks, hops)


def parts_of(space: Space, costs: Costs, path: Path) -> list[int]:
    """What each stage and each message of a plan costs; what stays where it is costs nothing."""
    problem = space.problem
    places = [problem.source, *(run.resource for run in path), *([problem.source] if problem.returns else [])]
    cuts = [run.first for run in path] + [problem.blocks]
    moved = [int(costs.hops[cut, a, b]) for (a, b), cut in zip(pairwise(places), cuts, strict=False)]
    return [*(int(costs.blocks[run.resource, run.first:run.stop].sum()) for run in path), *moved]


def _sum(space: Space, costs: Costs, path: Path) -> int:
    return sum(parts_of(space, costs, path))


def _is_within(space: Space, path: Path) -> bool:
    return all(_sum(space, budget.costs, path) <= budget.most for budget in space.budgets)


def _listed(space: Space, costs: Costs, lowest: Field, given: int, count: int) -> tuple[list[Ranked], bool]:
    """Plans within the budgets, and whether no others are better."""
    kept: list[Ranked] = []
    for seen, each in enumerate(ranked(lowest)):
        if len(kept) == count and each.cost > kept[-1].cost + given:
            return kept, True
        if seen == LISTED:
            return kept, False
        if _is_within(space, each.path):
            kept = _merged([*kept, Ranked(_sum(space, costs, each.path), each.path)], count)
    return kept, True


def _thriftiest(space: Space, costs: Costs, uses: Sequence[Channel], count: int) -> list[Ranked]:
    """Plans that use the least of each budget: with one budget they are within it, if so many are."""
    paths = [each.path for use in uses for each in islice(ranked(use.field), 10 * count)]
    return [Ranked(_sum(space, costs, path), path) for path in paths if _is_within(space, path)]
