"""Where a run leads on: a network with a transfer layer inside, to be run as slices that are cut there."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from apps.experiments.models import Run
from worker.planning.parted import PartAsked, read_links

MADE_BY, RECIPE = "partitioning.scissionlite", "partitioning.slices"


class Onward(NamedTuple):
    """`query`: what the form of the new run is told."""

    name: str
    query: str


def as_slices(run: Run) -> list[Onward]:
    """Each accepted network that is still there: its plan in two parts, over the link that it was made for."""
    if run.recipe != MADE_BY:
        return []
    kept = dict(run.variants.values_list("name", "variant"))
    told = [each for each in run.summary.get("variants", []) if each.get("cut_behind") and each.get("name") in kept]
    return [Onward(each["name"], _query(run, each, kept[each["name"]])) for each in told]


def _query(run: Run, told: dict[str, Any], variant: UUID) -> str:
    link = told.get("link") or f"device to edge: {run.params['latency_ms']} ms, {run.params['bandwidth_mbps']} Mbit/s"
    (ends,) = read_links(link)
    plan = "\n".join(map(str, (PartAsked(ends.sender, told["cut_behind"]), PartAsked(ends.receiver))))
    return urlencode({"model": variant, "dataset": run.params["dataset"], "plan": plan, "between": link})
