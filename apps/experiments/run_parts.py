"""Which part of a run stands on which board, and how it is reached there: a card of its page that moves while the run lives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.accounts.models import User
from apps.devices.certificate import readable
from apps.devices.models import Device
from apps.experiments import hostings, standing
from apps.experiments.models import Hosting, Run, Standing
from apps.experiments.placing import LEAD

WORDS = {Standing.WANTED: "being made ready", Standing.SERVING: "serves", Standing.GONE: "gone"}


def context(run: Run, user: User) -> dict[str, Any]:
    """Nothing where all of it runs in one place."""
    places = hostings.places(run)
    if not places:
        return {"run": run, "parts": []}
    is_star = standing.is_star(run.recipe)
    kept = {row.part: row for row in run.hostings.all()}
    lead = run.inputs.get(LEAD, {})
    named = {place.device for place in places} | {str(lead.get("id", ""))} - {""}
    seen = {str(pk) for pk in Device.objects.visible_to(user).filter(pk__in=named).values_list("pk", flat=True)}
    rows = [{"part": 1, "name": lead.get("name") or "this computer", "device": lead.get("id", ""),
             "state": "leads" if run.is_live else "over", "reached": "runs the edge servers" if is_star else "sends the images"}]
    rows += [_row(run, place, kept.get(place.part)) for place in places]
    title = "Which boards take part" if is_star else "Where its parts stand"
    return {"run": run, "parts_title": title, "parts": [row | {"is_seen": row["device"] in seen} for row in rows]}


def in_a_terminal(run: Run, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parameters for a computer that leads no boards: all parts run on it, with emulated links between."""
    return {name: value for name, value in values.items() if name != "where"} if hostings.places(run) else values


def _row(run: Run, place: hostings.Place, kept: Hosting | None) -> dict[str, Any]:
    row = {"part": place.part, "name": place.name, "device": place.device, "state": _state(run, kept), "reached": _reached(kept)}
    return row | {"pin": readable(kept.fingerprint) if kept else "", "reason": kept.reason if kept else ""}


def _state(run: Run, kept: Hosting | None) -> str:
    if not run.is_live:
        return "over"
    return WORDS[Standing(kept.state)] if kept else "not asked yet"


def _reached(kept: Hosting | None) -> str:
    if kept is None:
        return ""
    if kept.relayed:
        return "relayed by the portal"
    return f"directly, {kept.hosts[0]}, port {kept.port}" if kept.hosts and kept.port else ""
