"""A slice as its board is told of it: files, facts, and the token that whoever connects says first."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from pydantic import Field

from apps.accounts.wire import Told
from apps.experiments import hostings
from apps.experiments.models import Hosting


class OrderedFile(Told):
    path: str
    sha256: str
    size_bytes: int
    url: str


class HostingOut(Told):
    hosting: UUID
    run: UUID
    number: int
    part: int
    device: str
    files: list[OrderedFile]
    facts: dict[str, Any]
    token: str = Field(description="Whoever connects says it first; the same for all slices of the run, and for no other run.")
    relayed: bool = Field(description="Nobody connects to it: the portal carries what goes there and back.")
    onward: str = Field("", description="The slice of the part behind: where nobody connects to that one, the portal carries to "
                                        "it from here.")
    lease_s: float = Field(description="After so many seconds without a word the slice is no longer this board's.")


def told(held: Hosting) -> HostingOut:
    files = [OrderedFile(**each, url=f"/api/agent/hostings/{held.pk}/files/{each['sha256']}") for each in held.files]
    return HostingOut(hosting=held.pk, run=held.run_id, number=held.run.number, part=held.part, device=held.name, files=files,
                      facts=held.facts, relayed=held.relayed, onward=str(hostings.behind(held) or ""),
                      token=hostings.token_of(held), lease_s=settings.BOARD_LEASE_S)
