"""Two entries of one board become one: all that the others have moves to the one that is kept, and nothing is lost.

Runs keep what they copied when they were launched. The other entries stay as retired ones that lead to the kept one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import Count, QuerySet
from django.dispatch import Signal
from django.utils import timezone

from apps.accounts.refusal import Refused
from apps.devices import names
from apps.devices.boards import states
from apps.devices.models import Agent, Baseline, Device, Enrolment, Link, Profile
from worker.wording import figures

# Sent with `kept` and `other` inside the transaction, for whoever keeps things of devices above this floor.
merged = Signal()


class Merged(NamedTuple):
    """The entry that was kept, and the links that others of it replaced, in words."""

    kept: Device
    dropped: list[str]


@transaction.atomic
def merge(kept: Device, others: Iterable[Device]) -> Merged:
    """Move everything of the others to the kept one; Refused when they cannot be one board."""
    ids = {device.pk for device in others} - {kept.pk}
    rows = Device.objects.select_for_update(of=("self",)).select_related("team").filter(pk__in={kept.pk, *ids}).order_by("pk")
    locked = {device.pk: device for device in rows}
    kept = locked.pop(kept.pk)
    was_shared = kept.shared
    _refuse(kept, list(locked.values()))
    dropped = list[str]()
    for other in locked.values():
        dropped += _move(kept, other)
        _end(kept, other)
    _one_agent(kept)
    if not was_shared and kept.shared and (said := names.clash([kept])):
        raise Refused({"": said})
    kept.save()
    states.say(kept)
    return Merged(kept, dropped)


def _refuse(kept: Device, others: Sequence[Device]) -> None:
    if not others:
        raise Refused({"": "Choose at least two entries."})
    if {other.team_id for other in others} != {kept.team_id}:
        raise Refused({"": "They are of different teams: what one team measured would become another's."})
    if any(device.merged_into_id for device in (kept, *others)):
        raise Refused({"": "One of them was merged into another entry before."})
    if len({device.host for device in (kept, *others)} - {""}) > 1:
        raise Refused({"": "They are different worker hosts."})
    if any(device.host for device in (kept, *others)) and Agent.objects.filter(
            device__in=[kept, *others], revoked=None).exists():
        raise Refused({"": "One is a computer with a worker, another a board with a living agent: end the agent's token first."})


def _move(kept: Device, other: Device) -> list[str]:
    """Returns what did not move, in words."""
    Profile.objects.filter(device=other).update(device=kept)
    Baseline.objects.filter(device=other).update(device=kept)
    Enrolment.objects.filter(device=other).update(device=kept)
    dropped = _move_links(kept, other)
    # Two living agents of one device cannot be, not for a moment; the ended ones are history.
    ended = timezone.now()
    kept_lives = Agent.objects.filter(device=kept, revoked=None).first()
    lives = Agent.objects.filter(device=other, revoked=None).first()
    if kept_lives and lives:
        older = min(kept_lives, lives, key=lambda agent: (agent.last_used or agent.created))
        Agent.objects.filter(pk=older.pk).update(revoked=ended)
    Agent.objects.filter(device=other).update(device=kept)
    merged.send(Device, kept=kept, other=other)
    return dropped


def _move_links(kept: Device, other: Device) -> list[str]:
    """Of two links for one way the newer one stays; a link between the two entries led nowhere. Which went, in words."""
    gone = list(Link.objects.filter(source__in=[kept, other], target__in=[kept, other]).select_related("source", "target"))
    Link.objects.filter(pk__in=[link.pk for link in gone]).delete()
    for mine, far in (("source", "target"), ("target", "source")):
        links = Link.objects.select_related("source", "target")
        known = {(link.team_id, getattr(link, f"{far}_id")): link for link in links.filter(**{mine: kept})}
        moving = list(links.filter(**{mine: other}))
        both = [(link, known[key]) for link in moving if (key := (link.team_id, getattr(link, f"{far}_id"))) in known]
        older = [min(pair, key=lambda link: link.at) for pair in both]
        Link.objects.filter(pk__in=[link.pk for link in older]).delete()
        Link.objects.filter(**{mine: other}).update(**{mine: kept})
        gone += older
    return [f"{link} ({link.origin}, {figures(link.latency_ms)} ms, {figures(link.bandwidth_mbps)} Mbit/s)" for link in gone]


def difference(devices: Sequence[Device]) -> str:
    """What speaks against their being one board; empty where nothing does."""
    processors = sorted({device.hardware for device in devices} - {""})
    return f"Their processors differ: {', '.join(processors)}. Is it one board?" if len(processors) > 1 else ""


def _end(kept: Device, other: Device) -> None:
    """The other entry: retired, its name free again, leading to the kept one, which takes over what it does not know."""
    kept.former_names = sorted({*kept.former_names, *other.names} - {kept.name})
    kept.labels = sorted({*kept.labels, *other.labels})[:20]
    for field in ("hardware", "os", "cores", "memory_bytes", "accelerators", "location", "host", "runtimes", "health"):
        if not getattr(kept, field):
            setattr(kept, field, getattr(other, field))
    # A team that may run on it goes on doing so, whichever entry was chosen.
    kept.shared = kept.shared or other.shared
    kept.last_seen = max(filter(None, (kept.last_seen, other.last_seen)), default=None)
    other.retired, other.merged_into, other.host = True, kept, ""
    other.name = f"{other.name[:100]} (merged {other.pk.hex[:8]})"
    other.save()
    Device.objects.filter(merged_into=other).update(merged_into=kept)


def _one_agent(kept: Device) -> None:
    """What was retired by hand and still speaks, works again."""
    if Agent.objects.filter(device=kept, revoked=None).exists():
        kept.retired = False


def counts(devices: Sequence[Device]) -> list[tuple[Device, dict[str, int]]]:
    """What each entry has, for whoever chooses which is kept."""
    of = {"profiles": _count(Profile.objects.all(), "device", devices), "links": Counter[Any](),
          "readings of its yardstick": _count(Baseline.objects.all(), "device", devices),
          "agents": _count(Agent.objects.all(), "device", devices)}
    for end in ("source", "target"):
        of["links"].update(_count(Link.objects.all(), end, devices))
    return [(device, {what: found[device.pk] for what, found in of.items()}) for device in devices]


def _count(rows: QuerySet[Any], field: str, devices: Sequence[Device]) -> Counter[Any]:
    found = rows.filter(**{f"{field}__in": devices}).order_by().values_list(field).annotate(n=Count("pk"))
    return Counter(dict(found))
