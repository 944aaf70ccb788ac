"""A saved plan in the words of its page: its parts in order, where it stays best, what it is worth now."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from apps.plans import relays, running, standing, weighing
from apps.plans.models import SavedPlan
from apps.plans.wanted import Wanted
from worker.planning.answer import NOT_RUN, HopSaid, PlanSaid, StageSaid
from worker.wording import figures


class Part(NamedTuple):
    """A stage, or behind it what goes over a link; of a hop that comes first there is no stage of its own."""

    stage: StageSaid
    hop: HopSaid | None = None


class Stays(NamedTuple):
    """A number of a direction: what it was when the plan was saved, and between what it stays best."""

    way: str
    noun: str
    was: float | None
    unit: str
    span: str
    tried: bool


def plan_of(said: Any) -> PlanSaid:
    return PlanSaid.model_validate(said)


def parts(plan: PlanSaid) -> list[Part]:
    """Stages and hops as the data go; a result that goes back stands last."""
    found: list[Part] = []
    hops = list(plan.hops)
    for stage in plan.stages:
        while hops and hops[0].receiver == stage.device and hops[0].cut < stage.first:
            found.append(Part(stage, hops.pop(0)))
        found.append(Part(stage))
    return found + [Part(plan.stages[-1], hop) for hop in hops]


def row(plan: SavedPlan) -> dict[str, Any]:
    """A line of the list."""
    said = plan_of(plan.plan)
    best = plan_of(plan.best_now) if plan.best_now and plan.is_stale else None
    now = plan_of(plan.own) if plan.own else None
    return {"plan": plan, "said": said, "now": now, "best": best, "word": word(plan)}


def word(plan: SavedPlan) -> str:
    """`up to date`, `stale`, or `being checked` while something that changed was not looked at yet."""
    return "being checked" if plan.due else "stale" if plan.is_stale else "up to date"


def whole(plan: SavedPlan) -> dict[str, Any]:
    """All of its page."""
    said, wanted = plan_of(plan.plan), Wanted.model_validate(plan.wanted)
    own = plan_of(plan.own_now) if plan.own_now else None
    best = plan_of(plan.best_now) if plan.best_now else None
    names = {UUID(each["id"]): str(each["name"]) for each in plan.rests_on["devices"]}
    return {"not_run": NOT_RUN, "said": said, "parts": parts(said), "wanted": wanted, "query": wanted.query(), "own": own,
            "best": best, "best_parts": parts(best) if best and plan.is_stale else [], "word": word(plan),
            "run": running.query(said, plan.network, running.lanes_kept(plan.rests_on)), "stays": stays(plan, names),
            "is_best": bool(own and best and weighing.is_as_good(own, best, wanted.objective)),
            "loss": weighing.loss(own, best, wanted.objective) if own and best else "",
            "relays": relays.of_kept([said, best], plan.rests_on),
            "devices": plan.rests_on["devices"], "tried": _tried(wanted, names)}


def _tried(wanted: Wanted, names: dict[UUID, str]) -> list[str]:
    """Links of which other numbers than the team's were tried: those do not follow what the team says of them."""
    return [f"{names[each.source]} to {names[each.target]}: {figures(each.bandwidth_mbps)} Mbit/s, {figures(each.latency_ms)} ms"
            for each in wanted.links if {each.source, each.target} <= names.keys()]


def stays(plan: SavedPlan, names: dict[UUID, str]) -> list[Stays]:
    """The band, a line for each number of each direction that the plan uses."""
    lanes = {(each["source"], each["target"]): each for each in plan.rests_on["links"]}
    told = []
    for each in plan.band:
        lane = lanes.get((each["source"], each["target"]), {})
        field = standing.FIELDS[each["varying"]]
        way = f"{names.get(UUID(each['source']), 'a device')} to {names.get(UUID(each['target']), 'a device')}"
        told.append(Stays(way, standing.NOUNS[each["varying"]], lane.get(field), standing.UNITS[each["varying"]],
                          standing.span(each), bool(lane.get("tried"))))
    return told
