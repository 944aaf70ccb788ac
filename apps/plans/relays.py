"""Which hops of plans the portal relays once they run on boards, and what is said of them where a plan is shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from apps.experiments.relays import closed, forward, note
from worker.planning.answer import Answer, HopSaid, PlanSaid
from worker.planning.joint_answer import JointAnswer


class Way(NamedTuple):
    """From where to where, as the plans name them."""

    sender: str
    receiver: str


@dataclass(frozen=True)
class Relays:
    """Hops of the plans that are shown; a result that goes back is none of them: it takes the way that is there."""

    hops: frozenset[HopSaid] = frozenset()

    def ways(self, plan: PlanSaid) -> list[Way]:
        """Of one plan, as the data go."""
        return list(dict.fromkeys(Way(hop.sender, hop.receiver) for hop in plan.hops if hop in self.hops))

    def note(self, plan: PlanSaid) -> str:
        """Of one plan, in sentences; nothing where all its parts can be reached."""
        return note(self.ways(plan))

    @property
    def every_way(self) -> list[Way]:
        """Of all plans, each once."""
        return sorted({Way(hop.sender, hop.receiver) for hop in self.hops})

    @property
    def whole_note(self) -> str:
        """Of all plans."""
        return note(self.every_way)


def of_answer(answer: Answer | JointAnswer, devices: Mapping[str, UUID]) -> Relays:
    """Of all plans that an answer names: those that lost and those of other links too."""
    return of_plans(_joint(answer) if isinstance(answer, JointAnswer) else _single(answer), devices)


def _single(answer: Answer) -> list[PlanSaid]:
    others = [*(each.plan for each in answer.natives), *(each.plan for each in answer.bands), *answer.pareto]
    stays = answer.stays.plan if answer.stays else None
    return [plan for plan in (*answer.plans, *others, stays) if plan]


def _joint(answer: JointAnswer) -> list[PlanSaid]:
    return [*(each.plan for each in answer.versions if each.plan), *(each.plan for each in answer.pieces)]


def of_plans(plans: Iterable[PlanSaid], devices: Mapping[str, UUID]) -> Relays:
    """`devices`: by the names that the plans give them. As things stand now; one query."""
    hops = forward(plans)
    shut = closed({devices[hop.receiver] for hop in hops if hop.receiver in devices})
    return Relays(frozenset(hop for hop in hops if devices.get(hop.receiver) in shut))


def of_kept(plans: Iterable[PlanSaid | None], rests_on: Mapping[str, Any]) -> Relays:
    """The same for plans as they were saved."""
    names = {str(each["name"]): UUID(str(each["id"])) for each in rests_on["devices"]}
    return of_plans([plan for plan in plans if plan], names)
