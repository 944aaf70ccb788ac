"""Where a run leads on: a network with a transfer layer inside, to be run as slices that are cut there."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from apps.experiments.models import Run
from worker.planning.parted import TO, LinkAsked, PartAsked, read_links, read_plan

MADE_BY, RECIPE = "partitioning.scissionlite", "partitioning.slices"


class Onward(NamedTuple):
    """`query`: what the form of the new run is told."""

    name: str
    query: str


def as_slices(run: Run) -> list[Onward]:
    """Each accepted network that is still there: its plan in two parts, over the link that it was made for.

    None of which this cannot be told in lines that are read as just that: a name may have a semicolon in it, a link be too slow.
    """
    if run.recipe != MADE_BY:
        return []
    kept = dict(run.variants.values_list("name", "variant"))
    told = [each for each in run.summary.get("variants", []) if each.get("cut_behind") and each.get("name") in kept]
    found = [Onward(each["name"], _query(run, each, kept[each["name"]])) for each in told]
    return [each for each in found if each.query]


def _query(run: Run, told: dict[str, Any], variant: UUID) -> str:
    try:
        plan, between = _lines(_link(run, told), told["cut_behind"])
    except ValueError:
        return ""
    return urlencode({"model": variant, "dataset": run.params["dataset"], "plan": plan, "between": between})


def _link(run: Run, told: dict[str, Any]) -> LinkAsked:
    """As it was kept. ValueError where an older run kept only a line that may be read in two ways, or in none."""
    if "over" in told:
        return LinkAsked(**told["over"])
    if "link" not in told:
        return LinkAsked("device", "edge", run.params["latency_ms"], run.params["bandwidth_mbps"])
    (link,) = read_links(told["link"])
    if TO in link.receiver:
        raise ValueError(f"names its ends in more than one way: {told['link']}")
    return link


def _lines(link: LinkAsked, cut_behind: str) -> tuple[str, str]:
    """Of the plan and of its link. ValueError where they would be read as others."""
    parts, between = (PartAsked(link.sender, cut_behind), PartAsked(link.receiver)), str(link)
    plan, names = "\n".join(map(str, parts)), [link.sender, link.receiver]
    if read_plan(plan) != parts or [[each.sender, each.receiver] for each in read_links(between, names)] != [names]:
        raise ValueError(f"is not read as it was said: {plan}")
    return plan, between
