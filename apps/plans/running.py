"""A plan as the form of a new run takes it: who runs up to which layer, and what lies between, by the links it was made with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from apps.plans.planner_form import WayShown
from worker.planning.answer import PlanSaid
from worker.planning.parted import LinkAsked, mark, needed, plan_lines, read_links, read_plan

RECIPE = "partitioning.slices"
# Of text in a form's field.
LONGEST_MARK = 2000
# Milliseconds of a round trip and Mbit/s of each direction, by the names of its ends.
Lanes = Mapping[tuple[str, str], tuple[float, float]]


def query(plan: PlanSaid, network: str, lanes: Lanes) -> str:
    """What the form's address says; nothing of a plan that cannot be told in its lines, as by a name with a semicolon in it."""
    parts = plan_lines(plan)
    links = [LinkAsked(*ends, *lanes[ends]) for ends in needed(parts) if ends in lanes]
    told = {"network": network, "plan": "\n".join(map(str, parts)), "between": "\n".join(map(str, links)),
            **_planned(plan, mark(parts, links))}
    try:
        read_links(told["between"], [part.name for part in parts])
        return urlencode(told) if read_plan(told["plan"]) == parts else ""
    except ValueError:
        return ""


def _planned(plan: PlanSaid, said_of: str) -> dict[str, str]:
    """What the planner said of these parts and links, and from what; without the way back, which the run has not."""
    back = sum(hop.ms for hop in plan.hops if hop.cut == plan.stages[-1].last)
    told = {"planned_ms": f"{plan.latency_ms - back:.6g}", "planned_for": said_of, "planned_from": plan.block_times}
    return told if len(said_of) <= LONGEST_MARK else {}


def lanes_shown(ways: Sequence[WayShown]) -> Lanes:
    """As the planner's form has them, tried or kept; what is no number there is none."""
    found = {}
    for way in ways:
        try:
            found[way.source.name, way.target.name] = float(way.latency_ms), float(way.bandwidth_mbps)
        except ValueError:
            continue
    return found


def lanes_kept(rests_on: Mapping[str, Any]) -> Lanes:
    """As a saved plan keeps them."""
    names = {each["id"]: str(each["name"]) for each in rests_on["devices"]}
    return {(names[each["source"]], names[each["target"]]): (float(each["latency_ms"]), float(each["bandwidth_mbps"]))
            for each in rests_on["links"] if {each["source"], each["target"]} <= names.keys()}
