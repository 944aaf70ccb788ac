"""The blocks of a run on its page: those of the profile that it left, and until then what it has said of them so far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.urls import reverse
from pydantic import ValidationError

from apps.catalog.blobs import Unreadable
from apps.catalog.models import Variant
from apps.devices import blocks
from apps.devices.colours import places
from apps.experiments import profiles
from apps.experiments.models import Run
from apps.live.models import Event
from worker.profile import MEDIA_TYPE, Block, NetworkProfile

BY_BLOCK = frozenset(("benchmarking.layers", "benchmarking.prediction"))
LATENCY, BYTES, MACS = "block_latency_ms", "block_output_bytes", "block_macs"
# As many as a profile may have blocks, each said with its facts and a few times while it is timed.
MOST_SAID = 60_000


def context(run: Run, asked: Mapping[str, str]) -> dict[str, Any]:
    """What `experiments/_blocks.html` shows: nothing of other recipes, an empty place before there is anything."""
    if run.recipe not in BY_BLOCK:
        return {"by_block": False}
    profile = left(run) or so_far(run)
    if profile is None:
        return {"by_block": True, "run": run}
    device = device_name(run)
    shown = blocks.shown(profile, asked, device=device, place=places(run.team, [device])[device], graph=_graph(run))
    return {"by_block": True, "run": run, **shown}


def left(run: Run) -> NetworkProfile | None:
    """The profile among the run's files; one that cannot be read is as none, the run's log says why."""
    file = run.files.filter(media_type=MEDIA_TYPE).select_related("blob").first()
    try:
        return profiles.read(file.blob) if file else None
    except (ValueError, Unreadable):
        return None


def so_far(run: Run) -> NetworkProfile | None:
    """The newest of what the run said of each block; None before it has timed all of them once."""
    said = Event.objects.filter(stream=run.stream_id, type="metric", body__name__in=[LATENCY, BYTES, MACS]).order_by("seq")
    found = newest(said.values_list("body", flat=True)[:MOST_SAID])
    try:
        return NetworkProfile(network=str(_given(run).get("name", "network"))[:120], blocks=tuple(map(_block, found)),
                              engine=str(run.params.get("engine", "")), batch=run.params.get("batch", 1))
    except (KeyError, ValidationError):
        return None


def newest(said: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """By block, in the network's order: what was said of it last, under the metric's name; its layers as it was said first."""
    found: dict[int, dict[str, Any]] = {}
    for body in said:
        labels = body.get("labels", {})
        number = str(labels.get("block", ""))
        if number.isdecimal():
            found.setdefault(int(number), {}).update({body["name"]: body["value"]} | {
                end: labels[end] for end in ("first", "last") if end in labels})
    return [found[number] for number in sorted(found)]


def _block(said: Mapping[str, Any]) -> Block:
    return Block(first=said["first"], last=said["last"], seconds=said[LATENCY] / 1e3, output_bytes=int(said[BYTES]),
                 macs=int(said[MACS]))


def device_name(run: Run) -> str:
    """Where it ran, as the run was told or has said."""
    given = run.inputs.get("device")
    named = given.get("name") if isinstance(given, dict) else ""
    return str(named or run.environment.get("device") or "this computer")


def _given(run: Run) -> dict[str, Any]:
    given = run.inputs.get("model")
    return given if isinstance(given, dict) else {}


def _graph(run: Run) -> str:
    """The address of the drawn network, where the catalogue has it still."""
    given = _given(run).get("id")
    if not given or not Variant.objects.filter(pk=given, team_id=run.team_id).exists():
        return ""
    return reverse("variant-graph", args=[given])
