"""What templates say of hops that the portal relays; nothing where they were told of none."""

from __future__ import annotations

from typing import Any

from django import template

from apps.experiments.relays import SHORT
from apps.plans.relays import Relays
from worker.planning.answer import HopSaid, PlanSaid

register = template.Library()


@register.filter
def relayed(hop: HopSaid, relays: Any) -> str:
    """`relayed by the portal`, or nothing."""
    return SHORT if isinstance(relays, Relays) and hop in relays.hops else ""


@register.filter
def relayed_note(plan: PlanSaid | None, relays: Any) -> str:
    """The sentences of a plan."""
    return relays.note(plan) if plan and isinstance(relays, Relays) else ""
