"""A saved plan in the words of its page: its parts in order, where it stays best, what it is worth now."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from apps.plans import joint_keeping, relays, running, standing, weighing
from apps.plans.joint_wanted import JointWanted
from apps.plans.models import SavedPlan
from apps.plans.wanted import Wanted
from worker.planning.answer import NOT_RUN, HopSaid, PlanSaid, StageSaid
from worker.planning.joint_answer import VersionSaid
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
    said = plan_of(plan.plan)
    own = plan_of(plan.own_now) if plan.own_now else None
    best = plan_of(plan.best_now) if plan.best_now else None
    names = {UUID(each["id"]): str(each["name"]) for each in plan.rests_on["devices"]}
    wanted = (JointWanted if plan.is_joint else Wanted).model_validate(plan.wanted)
    of_kind = _joint(plan, said, own, best) if isinstance(wanted, JointWanted) else _single(plan, wanted, own, best, names)
    return {"not_run": NOT_RUN, "said": said, "parts": parts(said), "wanted": wanted, "query": wanted.query(), "own": own,
            "relays": relays.of_kept([said, best], plan.rests_on),
            "best": best, "best_parts": parts(best) if best and plan.is_stale else [], "word": word(plan),
            "run": _run(plan, said), "devices": plan.rests_on["devices"], "tried": _tried(wanted, names), **of_kind}


def _run(plan: SavedPlan, said: PlanSaid) -> str:
    """What the form of a new run is told; a joint plan that is not cut is no run of slices."""
    if plan.is_joint and len(said.stages) == 1:
        return ""
    return running.of_plan(plan.team, said, plan.network, running.lanes_kept(plan.rests_on))


def _single(plan: SavedPlan, wanted: Wanted, own: PlanSaid | None, best: PlanSaid | None,
            names: dict[UUID, str]) -> dict[str, Any]:
    return {"stays": stays(plan, names), "is_best": bool(own and best and weighing.is_as_good(own, best, wanted.objective)),
            "loss": weighing.loss(own, best, wanted.objective) if own and best else ""}


def _joint(plan: SavedPlan, said: PlanSaid, own: PlanSaid | None, best: PlanSaid | None) -> dict[str, Any]:
    """Of two versions the one need not be slower: they differ in accuracy too, which their words say."""
    is_same = bool(own and best and (own.key, own.words) == (best.key, best.words))
    loss = f"It takes {figures(own.latency_ms)} ms now ({own.kind})." if own and best and not is_same else ""
    return {"version": VersionSaid.model_validate(plan.version), "is_best": is_same, "loss": loss,
            "accuracy": joint_keeping.right(VersionSaid.model_validate(plan.version))}


def _tried(wanted: Wanted | JointWanted, names: dict[UUID, str]) -> list[str]:
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
