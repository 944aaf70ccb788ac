"""Which hops of plans the portal relays once they run on boards, and what is said of them where a plan is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.experiments.relays import UNPREDICTED, closed, said
from worker.planning.answer import HopSaid, PlanSaid


@dataclass(frozen=True)
class Relays:
    """Hops of the plans that are shown; a result that goes back is none of them: it takes the way that is there."""

    hops: frozenset[HopSaid] = frozenset()

    def note(self, plan: PlanSaid) -> str:
        """Of one plan, in sentences; nothing where all its parts can be reached."""
        ways = dict.fromkeys(said(hop.sender, hop.receiver) for hop in plan.hops if hop in self.hops)
        return f"Run on boards, {'; '.join(ways)}. {UNPREDICTED}" if ways else ""


def of_plans(plans: Iterable[PlanSaid], devices: Mapping[str, UUID]) -> Relays:
    """`devices`: by the names that the plans give them. As things stand now; one query."""
    forward = [hop for plan in plans for hop in plan.hops if hop.cut < plan.stages[-1].last]
    shut = closed({devices[hop.receiver] for hop in forward if hop.receiver in devices})
    return Relays(frozenset(hop for hop in forward if devices.get(hop.receiver) in shut))


def of_kept(plans: Iterable[PlanSaid | None], rests_on: Mapping[str, Any]) -> Relays:
    """The same for plans as they were saved."""
    names = {str(each["name"]): UUID(str(each["id"])) for each in rests_on["devices"]}
    return of_plans([plan for plan in plans if plan], names)
