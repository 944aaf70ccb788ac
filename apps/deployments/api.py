"""Networks on boards, for programs: what a device serves, what was sent to it, and sending more."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Status
from pydantic import Field

from apps.accounts import teams
from apps.accounts.wire import Asked, OfTeam, Page, Paging, Told, paged, team_of
from apps.deployments import actions, standing
from apps.deployments.models import Deployment
from apps.devices.models import Device
from apps.experiments.models import Run
from worker.addressed import Kind

router = Router(tags=["deployments"])
# Other things of the API have kinds and states too, and there a schema is known by its name.
DeploymentState = Literal["waiting", "taken", "refused", "withdrawn"]


class DeploymentOut(Told):
    id: UUID
    device: UUID = Field(validation_alias="device_id")
    number: int = Field(description="Rises with everything that is sent to a board; a lower one is refused there.")
    kind: Kind = Field(description="A network that takes the place of any, or a change of the one that is served.")
    run: UUID | None = Field(validation_alias="run_id", description="None once the run is gone.")
    run_number: int
    network: str
    round: int = Field(description="Of the run's rounds; 0 for the first network.")
    sent_bytes: int = Field(description="All that goes over the link, the address and its signature included.")
    everything_bytes: int = Field(description="What the network would take, sent whole.")
    batch_bytes: int = Field(description="Fetched once besides, to try the networks on.")
    base_sha256: str
    result_sha256: str
    state: DeploymentState
    reason: str
    tried: bool | None = Field(description="Whether the board ran it on its stored batch first; none while it waits.")
    created: datetime
    settled: datetime | None


class ServedOut(Told):
    """What a device serves, as its agent said it last."""

    number: int | None = Field(None, description="None where it serves no network of the portal's.")
    sha256: str = ""
    first_sha256: str = Field("", description="The first network, which it keeps.")
    since: datetime | None = None
    heard: datetime | None = None
    cannot: str = Field(description="Why nothing can be sent to it now, in a sentence; empty when it can.")


class SendIn(Asked):
    """Without `first`: the run's next updates behind what the device will be serving."""

    run: UUID = Field(description="A finished run of partial updating.")
    first: bool = Field(False, description="The network with which the run begins, in place of whatever is served.")
    rounds: int | None = Field(1, ge=1, le=actions.MOST_WAITING, description="So many updates; null for all that are left.")


class Deployments(Paging, OfTeam):
    device: UUID | None = Field(None, description="Only those for this device.")
    state: DeploymentState | None = None


@router.get("/deployments", response=Page[DeploymentOut])
def list_deployments(request: HttpRequest, asked: Annotated[Deployments, Query()]) -> dict[str, Any]:
    """What was sent to the team's devices, the newest first."""
    rows = Deployment.objects.visible_to(teams.person(request)).filter(team=team_of(request, asked.team))
    rows = rows.filter(device=asked.device) if asked.device else rows
    rows = rows.filter(state=asked.state) if asked.state else rows
    return paged(rows.defer("head").order_by("-created", "-number"), asked)


@router.get("/deployments/{uuid:deployment}", response=DeploymentOut)
def get_deployment(request: HttpRequest, deployment: UUID) -> Deployment:
    """One of them: whether it waits, was taken, refused (why), or withdrawn."""
    found: Deployment = get_object_or_404(Deployment.objects.visible_to(teams.person(request)), pk=deployment)
    return found


@router.post("/deployments/{uuid:deployment}/withdraw", response=DeploymentOut)
def withdraw_deployment(request: HttpRequest, deployment: UUID) -> Deployment:
    """Take back what still waits, and what waits behind it and builds on it: only an administrator of the team."""
    user = teams.person(request)
    rows = Deployment.objects.administered_by(user).select_related("device__team")
    actions.withdraw(user, get_object_or_404(rows, pk=deployment))
    return get_deployment(request, deployment)


@router.get("/devices/{uuid:device}/network", response=ServedOut)
def get_network_of_device(request: HttpRequest, device: UUID) -> ServedOut:
    """What the device really serves, and when that was heard."""
    stands = standing.of(get_object_or_404(Device.objects.visible_to(teams.person(request)), pk=device))
    if stands.served is None:
        return ServedOut(cannot=stands.cannot)
    said = {name: getattr(stands.served, name) for name in ("number", "sha256", "first_sha256", "since", "heard")}
    return ServedOut(**said, cannot=stands.cannot)


@router.post("/devices/{uuid:device}/deployments", response={201: list[DeploymentOut]})
def send_to_device(request: HttpRequest, device: UUID, asked: SendIn) -> Status[list[Deployment]]:
    """Send a run's first network, or its next updates: only an administrator of the team. The board takes them between runs."""
    user = teams.person(request)
    found = get_object_or_404(Device.objects.administered_by(user).select_related("team"), pk=device)
    run = get_object_or_404(Run.objects.visible_to(user), pk=asked.run)
    if asked.first:
        return Status(201, [actions.deploy_first(user, run, found)])
    return Status(201, actions.send(user, run, found, rounds=asked.rounds))
