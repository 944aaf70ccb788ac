"""What there is to say of a kept plan now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apps.live.asking import Broken, Silent, TooLong
from apps.plans.models import Freshness, SavedPlan
from apps.plans.standing import Change
from worker.planning.answer import PlanSaid

WAIT_S, MOST_SORRY = 10.0, 500


@dataclass(frozen=True)
class Verdict:
    """What there is to say of a kept plan now. `band`: another than it was saved with; `final`: the planner need not be asked.

    `given_up`: it did answer, but nothing that tells of this plan.
    """

    state: str
    changes: Sequence[Change] = ()
    own: PlanSaid | None = None
    best: PlanSaid | None = None
    sorry: str = ""
    band: list[dict[str, Any]] | None = None
    final: bool = True
    given_up: bool = False


def gave_up(plan: SavedPlan, changes: Sequence[Change], silent: Silent) -> Verdict:
    """Nobody answered: what breaks the plan by itself is said all the same."""
    broken = any(each.breaks for each in changes)
    return Verdict(Freshness.STALE if broken else plan.state, changes, sorry=str(silent)[:MOST_SORRY], final=False,
                   given_up=isinstance(silent, (Broken, TooLong)))
