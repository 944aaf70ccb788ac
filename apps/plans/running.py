"""A plan as the form of a new run takes it: who runs up to which layer, and what lies between, by the links it was made with."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from apps.accounts.models import Team
from apps.catalog.models import Variant
from apps.plans import layers
from apps.plans.choosing import of_team
from apps.plans.planner_form import WayShown
from worker.planning.answer import LayerSaid, PlanSaid
from worker.planning.offers import Offer
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


def of_plan(team: Team, plan: PlanSaid, network: str, lanes: Lanes, offers: Iterable[Offer] | None = None) -> str:
    """As `of_plans` says it of one."""
    return of_plans(team, [plan], network, lanes, offers)[0]


def of_plans(team: Team, plans: Sequence[PlanSaid], network: str, lanes: Lanes,
             offers: Iterable[Offer] | None = None) -> list[str]:
    """Of each plan. With a transfer layer in it the network is the one that has it inside; nothing where nobody has its file.

    `offers`: those that the team knows of the network; left out: as they are now. As many queries whatever the number of plans.
    """
    has_layers = any(plan.transfer for plan in plans)
    known = () if not has_layers else tuple(_known(team, network) if offers is None else offers)
    placed = [_offer(known, network, plan.transfer) if plan.transfer else None for plan in plans]
    files = _files(team, {each.variant_sha256 for each in placed if each})
    return [_told(plan, offer, files, network, lanes) for plan, offer in zip(plans, placed, strict=True)]


def _told(plan: PlanSaid, offer: Offer | None, files: Mapping[str, UUID], network: str, lanes: Lanes) -> str:
    if plan.transfer is None:
        return query(plan, network, lanes)
    model = files.get(offer.variant_sha256) if offer else None
    found = query(_inside(plan, plan.transfer.cut, offer), network, lanes) if offer and model else ""
    return f"{found}&{urlencode({'model': model})}" if found else ""


def _known(team: Team, network: str) -> list[Offer]:
    return [layers.told(row, row.body["device"]) for row in layers.offers(of_team(team), network)]


def _offer(offers: Iterable[Offer], network: str, layer: LayerSaid) -> Offer | None:
    """The transfer layer as a run left it, where that says what one needs to run it."""
    same = (network, layer.after, layer.layer, layer.dataset)
    return next((each for each in offers if each.inner_after and each.variant_sha256
                 and (each.network, each.after, each.layer, each.dataset) == same), None)


def _files(team: Team, hashes: Collection[str]) -> dict[str, UUID]:
    """The team's networks with the layer inside, by the hash of their file; of the same file the newest."""
    if not hashes:
        return {}
    mine = Variant.objects.filter(team=team, precision="fp32", file__in=hashes).order_by("created")
    return dict(mine.values_list("file", "pk"))


def _inside(plan: PlanSaid, cut: int, offer: Offer) -> PlanSaid:
    """Cut behind the layer's first half, which that network has behind the last layer of the head."""
    stages = tuple(each.model_copy(update={"last_layer": offer.inner_after}) if each.last == cut else each
                   for each in plan.stages)
    return plan.model_copy(update={"stages": stages})


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
