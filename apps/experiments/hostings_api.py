"""Slices on boards: an agent fetches the files of its own and says that it serves; a run's lead asks where the others stand."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest
from ninja import Router
from pydantic import Field

from apps.accounts.wire import BINARY, Asked, Told
from apps.devices.boards import crowd
from apps.devices.boards.bearer import ByAgent
from apps.devices.models import Agent
from apps.experiments import board_leases, hostings
from apps.experiments.boards_api import SHA256, sent
from apps.experiments.models import Hosting

router = Router(tags=["agents"], auth=ByAgent())


class KeptIn(Asked):
    state: Literal["wanted", "serving", "gone"] = Field(description="Made ready, served, or given back.")
    reason: str = Field("", max_length=2000, description="Why it cannot go on.")


class KeptOut(Told):
    state: str
    poll_s: float = Field(description="Say so again after so many seconds.")


class HostOut(Told):
    part: int
    device: str
    addresses: list[str]
    port: int
    pin: str = Field(description="SHA-256 of the certificate that it shows there.")
    relayed: str = Field(description="The slice whose frames the portal carries; empty where it takes connections.")


class HostsOut(Told):
    hosts: list[HostOut] = Field(description="All of them, once all serve.")
    token: str
    waiting: str = Field(description="What is waited for, as long as not all serve.")
    broken: str = Field(description="Why they never will.")


@router.get("/hostings/{uuid:hosting}/files/{sha256}", response=bytes, openapi_extra=BINARY)
def get_file_of_slice_as_board(request: HttpRequest, hosting: UUID, sha256: str) -> FileResponse:
    """A file of a slice that this board keeps; with `Range: bytes=N-`, what a cut download lacks."""
    found = hostings.ordered(_agent(request), hosting, sha256) if SHA256.fullmatch(sha256) else None
    if found is None:
        raise Http404
    return sent(request, found)


@router.post("/hostings/{uuid:hosting}", response=KeptOut)
def say_slice_as_board(request: HttpRequest, hosting: UUID, asked: KeptIn) -> KeptOut:
    """How the slice stands; 409 once it is over. The answer says when to say so again."""
    held = hostings.hear(_agent(request), hosting, asked.state, asked.reason)
    return KeptOut(state=held.state, poll_s=min(crowd.poll_s(), settings.BOARD_LEASE_S / 4))


@router.get("/runs/{uuid:run}/hosts", response=HostsOut)
def get_hosts_as_board(request: HttpRequest, run: UUID) -> HostsOut:
    """Where the other parts of a run stand that this board leads."""
    with transaction.atomic():
        held = board_leases.holding(_agent(request), run)
    found = hostings.of_run(held)
    token = hostings.token_of(found.ready[0]) if found.ready else ""
    return HostsOut(hosts=[_host(each) for each in found.ready], token=token, waiting=found.waiting, broken=found.broken)


def _host(held: Hosting) -> HostOut:
    return HostOut(part=held.part, device=held.name, addresses=held.hosts, port=held.port or 0, pin=held.fingerprint,
                   relayed=str(held.pk) if held.relayed else "")


def _agent(request: HttpRequest) -> Agent:
    agent: Agent = request.auth  # type: ignore[attr-defined]
    return agent
