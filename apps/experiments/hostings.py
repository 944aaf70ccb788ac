"""Slices on boards: reserved all together when their run is taken, taken by their boards' agents, over with their run.

Boards that take part in a run each by itself are asked in `members`.
All or none is reserved, under the lock of each device. Whoever has one lock waits for no other: of two runs which want each
other's boards at the same moment each tries again later. A board that keeps a slice takes no run meanwhile, and the other way
round: its times are its own.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.crypto import salted_hmac

from apps.accounts.secrecy import digest
from apps.devices.boards.unwelcome import Unwelcome
from apps.devices.models import Agent, Device
from apps.experiments import standing
from apps.experiments.models import HELD, LIVE, STANDS, BoardFile, Hosting, Run, Standing
from apps.live.knock import knock
from apps.live.models import Saying
from worker import menu

GONE = "This slice is no longer this board's: its run is over, or it went elsewhere."
LONGEST_REASON = 400


Parcel = tuple[list[dict[str, Any]], dict[str, Any]]


class Place(NamedTuple):
    """Where a part is to stand."""

    part: int
    device: str
    name: str


def places(run: Run) -> list[Place]:
    """The parts that stand on boards beside the run's lead."""
    return [Place(part, given["id"], given["name"]) for part, given in standing.lead_and_others(run.inputs)]


def reserved(device: Device) -> bool:
    """Whether a slice of a run that lives is wanted or served there."""
    return bool(_standing().filter(device=device).exists())


def _standing() -> Any:
    return Hosting.objects.filter(state__in=STANDS, expires__gt=timezone.now(), run__status__in=LIVE)


def hindered(run: Run) -> str:
    """Why its slices cannot all be reserved now, in words; empty where they can."""
    wanted = places(run)
    rows = {str(row.pk): row for row in Device.objects.filter(pk__in=[each.device for each in wanted])}
    agents = {str(each.device_id): each for each in Agent.objects.filter(device__in=rows.values(), revoked=None)}
    does = busy(run, list(rows.values()))
    for place in wanted:
        device = rows.get(place.device)
        wrong = hinders(run, device, agents.get(place.device)) if device else f"{place.name} is no longer in the registry"
        if wrong or place.device in does:
            doing = does.get(place.device)
            return wrong.rstrip(".") or f"waits for {place.name}, which is to keep part {place.part} of it and {doing}"
    return ""


def hinders(run: Run, device: Device, agent: Agent | None) -> str:
    """Why a board cannot be asked now, in words; empty where it can."""
    if not (device.shared or device.team_id == run.team_id):
        return f"{device} is no longer shared with your team"
    recipe = menu.find(run.recipe)
    return standing.unfit(device, agent, recipe.board if recipe else None)


def busy(run: Run, devices: Sequence[Device]) -> dict[str, str]:
    """Which of them do something else now, and what."""
    ids = [device.pk for device in devices]
    kept = {str(pk): "keeps a slice of another run" for pk in
            _standing().filter(device__in=ids).exclude(run=run).values_list("device_id", flat=True)}
    measuring = Run.objects.filter(board__in=ids, status__in=HELD, board_lease=F("token")).exclude(pk=run.pk)
    return kept | {str(pk): "measures for another run" for pk in measuring.values_list("board_id", flat=True)}


def reserve(run: Run, order: dict[str, Any]) -> str:
    """Reserve the slices of its order, all or none: why not, or nothing. Call it in a transaction that has the run locked.

    What stands there for this run already goes on: a lead that comes back finds it.
    """
    wanted = places(run)
    if not wanted:
        return ""
    ids = sorted(each.device for each in wanted)
    # Without their keys, as `board_leases.claim` locks the lead, whose lock is held by now: nobody is waited for here.
    free = Device.objects.select_for_update(of=("self",), no_key=True, skip_locked=True).filter(pk__in=ids)
    locked = {str(row.pk) for row in free}
    if why := hindered(run) or _spoken_with(wanted, locked):
        return why
    forget_the_dead(ids)
    parcels = {place.part: parcel_of(order, place.part) for place in wanted}
    known = {row.part: row for row in run.hostings.all()}
    salt = next((row.salt for row in known.values() if stands(row)), secrets.token_hex(16))
    for place in wanted:
        row = known.get(place.part)
        parcel = parcels[place.part]
        if row is None or not stands(row) or str(row.device_id) != place.device or (row.files, row.facts) != parcel:
            want(run, place, salt, parcel)
    return ""


def _spoken_with(wanted: Sequence[Place], locked: set[str]) -> str:
    late = next((place.name for place in wanted if place.device not in locked), "")
    return late and f"waits for {late}, which the portal speaks with at this moment"


def stands(row: Hosting) -> bool:
    return row.state in STANDS and row.expires > timezone.now()


def forget_the_dead(devices: Sequence[Any]) -> None:
    """What stands there only on paper: of runs that ended, or of agents that fell silent."""
    dead = Q(expires__lte=timezone.now()) | ~Q(run__status__in=LIVE)
    Hosting.objects.filter(dead, device__in=devices, state__in=STANDS).update(state=Standing.GONE)


def parcel_of(order: dict[str, Any], part: int) -> Parcel:
    """What of an order goes to the board of a part: its files, and what it is to know of them."""
    hosted = order["facts"]["hosted"][str(part)]
    return [each for each in order["files"] if each["path"] in hosted["files"]], hosted["facts"]


def want(run: Run, place: Place, salt: str, parcel: Parcel, **known: Any) -> None:
    """Ask its board. `known`: what is known of the row before it answers."""
    Hosting.objects.update_or_create(run=run, part=place.part, defaults={
        "device_id": place.device, "name": place.name, "files": parcel[0], "facts": parcel[1],
        "state": Standing.WANTED, "salt": salt,
        "token_hash": digest(_token(run, salt, place.part)), "hosts": [], "port": None, "fingerprint": "",
        "relayed": not _is_open(place),
        "claim_request": None, "expires": _until(), "reason": "", **known})


def _is_open(place: Place) -> bool:
    agent = Agent.objects.filter(device__pk=place.device, revoked=None).select_related("device").first()
    return agent is not None and agent.takes_tensors


def _until() -> Any:
    return timezone.now() + timedelta(seconds=settings.BOARD_LEASE_S)


def _token(run: Run, salt: str, part: int) -> str:
    """Made anew when it is needed: what lies in the database does not tell it. Who takes part by itself has one of its own."""
    own = f":{part}" if standing.is_star(run.recipe) else ""
    return salted_hmac("the slices of a run", f"{run.pk}:{salt}{own}", algorithm="sha256").hexdigest()


# What the agents of the boards say

@transaction.atomic
def take(agent: Agent, request: UUID) -> Hosting | None:
    """The slice that its board is to keep, or the one that this very request got before."""
    rows = _standing().filter(device=agent.device_id).select_related("run")
    found: Hosting | None = rows.select_for_update(of=("self",)).first()
    if found is None or found.claim_request not in (None, request):
        return None
    found.claim_request, found.expires = request, _until()
    found.save(update_fields=["claim_request", "expires"])
    return found


def token_of(hosting: Hosting) -> str:
    """Said to the board that keeps the slice and to the run's lead, over their own connections, and to nobody else."""
    return _token(hosting.run, hosting.salt, hosting.part)


def behind(hosting: Hosting) -> UUID | None:
    """The slice of the part behind, which its board sends on to; None behind the last one, and where no part sends on."""
    if standing.is_star(hosting.run.recipe):
        return None
    found: UUID | None = Hosting.objects.filter(run=hosting.run_id, part=hosting.part + 1).values_list("pk", flat=True).first()
    return found


def ordered(agent: Agent, pk: UUID, sha256: str) -> BoardFile | None:
    """A file of a slice that this device is to keep."""
    held = _mine(agent, pk)
    if sha256 not in {each["sha256"] for each in held.files}:
        return None
    rows = BoardFile.objects.filter(run=held.run_id, is_order=True, blob_id=sha256)
    return rows.select_related("blob").first()


def _mine(agent: Agent, pk: UUID) -> Hosting:
    """Unwelcome (409) when it is over, or was never this board's."""
    rows = Hosting.objects.filter(pk=pk, device=agent.device_id, state__in=STANDS, run__status__in=LIVE)
    found: Hosting | None = rows.select_related("run").first()
    if found is None:
        raise Unwelcome(409, GONE)
    return found


@transaction.atomic
def hear(agent: Agent, pk: UUID, state: str, reason: str = "") -> Hosting:
    """The agent keeps its slice (`serving`), still makes it ready (`wanted`) or cannot go on (`gone`); the answer prolongs it."""
    # Locked first, looked at then: its lead may give it up, or somebody delete its run, while this waits.
    list(Hosting.objects.select_for_update(of=("self",)).filter(pk=pk, device=agent.device_id))
    held = _mine(agent, pk)
    before = held.state
    held.state, held.reason, held.expires = Standing(state), reason[:LONGEST_REASON], _until()
    if not held.relayed:
        held.hosts, held.port, held.fingerprint = agent.data_hosts, agent.data_port, agent.data_fingerprint
    held.save(update_fields=["state", "reason", "expires", "hosts", "port", "fingerprint"])
    if held.state != before:
        _say(held)
    return held


def _say(held: Hosting) -> None:
    """One line in the run's log."""
    where = "relayed by the portal" if held.relayed else f"reached at {held.hosts[0] if held.hosts else '?'}, port {held.port}"
    reason, is_star = held.reason or "its board gave it back", standing.is_star(held.run.recipe)
    words = {Standing.SERVING: f"{held.name} takes part, {where}" if is_star else
             f"part {held.part} stands on {held.name}, {where}",
             Standing.GONE: f"{held.name} no longer takes part: {reason}" if is_star else
             f"part {held.part} no longer stands on {held.name}: {reason}"}
    level = "info" if held.state == Standing.SERVING else "warning"
    if held.state in words:
        held.run.stream.append([Saying("log", {"level": level, "message": words[Standing(held.state)]})])
        transaction.on_commit(lambda: knock(held.run.stream_id))


# What the lead is told

class Hosts(NamedTuple):
    """All that serve, once all do; until then what is waited for; or why it can never be."""

    ready: list[Hosting]
    waiting: str
    broken: str


def of_run(run: Run) -> Hosts:
    """Where the slices of a run stand that its holder leads."""
    rows = list(run.hostings.select_related("run", "device"))
    for row in rows:
        if not stands(row):
            return Hosts([], "", _broken(row))
    late = [row for row in rows if row.state == Standing.WANTED]
    if late:
        return Hosts([], f"{late[0].name} makes part {late[0].part} ready", "")
    return Hosts(rows, "", "")


def _broken(row: Hosting) -> str:
    if row.reason:
        return f"Part {row.part} cannot stand on {row.name}: {row.reason}"
    return (f"Part {row.part} does not stand on {row.name}: its agent was not heard of it for longer than "
            f"{settings.BOARD_LEASE_S:.0f} s.")


def left(run: Run) -> None:
    """Its lead gave up: the boards need not keep what nobody will ask for."""
    Hosting.objects.filter(run=run, state__in=STANDS).update(state=Standing.GONE)
