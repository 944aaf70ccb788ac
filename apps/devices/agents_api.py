"""Where boards join and say how they are; what they work on is in `apps.experiments.boards_api`."""

from __future__ import annotations

import logging
from uuid import UUID

from django.http import HttpRequest
from ninja import Router, Status
from pydantic import Field

from apps.accounts import signing
from apps.accounts.refusal import Conflict
from apps.accounts.wire import Told
from apps.devices import agent_wheel, enrolment
from apps.devices.boards import crowd, networks, states, tokens, updates
from apps.devices.boards.bearer import ByAgent, refuse_version
from apps.devices.boards.networks import NetworkWanted
from apps.devices.boards.reports import About, BeatIn

log = logging.getLogger(__name__)
router = Router(tags=["agents"])


class JoinIn(About):
    code: str = Field(min_length=1, max_length=40, description="As the page of devices shows it, e.g. XXXX-XXXX-XXXX.")


class DeviceTold(Told):
    id: UUID
    name: str


class JoinOut(Told):
    token: str = Field(description="Sent from now on as `Authorization: Bearer epa_...`; nobody can tell it again.")
    device: DeviceTold
    team: str
    portal_version: str
    poll_s: float
    signing_key: str = Field(description="This portal's public key (Ed25519): what it did not sign is no network of its. Empty "
                                         "while the portal cannot read it: the board joins, and takes no network.")


class Wanted(Told):
    version: str
    url: str
    sha256: str


class BeatOut(Told):
    draining: bool = Field(description="Take no new run.")
    poll_s: float = Field(description="Beat again after so many seconds.")
    wanted: Wanted | None = Field(description="The version that the agent shall become.")
    token: str | None = Field(description="A new token; the old one ends when this one is used.")
    network: NetworkWanted | None = Field(description="A network, or an update of the one it serves, that waits for it.")


@router.post("/join", response={201: JoinOut}, auth=None)
def join_as_board(request: HttpRequest, asked: JoinIn) -> Status[JoinOut]:
    """Join a team with a code: a device, and a token of its own. The same board that asks again gets the same device."""
    refuse_version(asked.version)
    key = _signing_key()
    agent, token = enrolment.join(asked.code, asked, request.META.get("REMOTE_ADDR", ""))
    device = DeviceTold.model_validate(agent.device)
    return Status(201, JoinOut(token=token, device=device, team=agent.device.team.name, portal_version=agent_wheel.speaks(),
                               poll_s=crowd.poll_s(), signing_key=key))


def _signing_key() -> str:
    """Who measures needs none: a board joins all the same when an operator has to look at the key first."""
    try:
        return signing.public().hex()
    except Conflict as why:
        log.error("A board joins without the signing key, and takes no network: %s", why)
        return ""


@router.post("/beat", response=BeatOut, auth=ByAgent())
def beat_as_board(request: HttpRequest, asked: BeatIn) -> BeatOut:
    """The board lives: what it does, how warm and how free it is, perhaps a timing of its yardstick."""
    agent = request.auth  # type: ignore[attr-defined]
    crowd.make_room(agent)
    device = states.beat(agent, asked, request.headers["X-EdgePortal-Agent"], request.META.get("REMOTE_ADDR", ""))
    return BeatOut(draining=device.draining or device.retired, poll_s=crowd.poll_s(), wanted=updates.wanted(agent),
                   token=tokens.replacement(agent),
                   network=networks.beat(agent, asked.network, begins=bool(asked.runtimes)))
