"""What a person does with networks on boards: begin with one, send its next updates, withdraw what still waits."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import Max

from apps.accounts import signing
from apps.accounts.models import User
from apps.accounts.refusal import Conflict, Refused
from apps.catalog import blobs
from apps.catalog.models import Blob
from apps.deployments import offering, settling, standing
from apps.deployments.models import Deployment
from apps.deployments.standing import Standing
from apps.devices.models import Device
from apps.experiments.models import Run
from worker import addressed
from worker.addressed import Address
from worker.addressed.offered import First, Offered, Update

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ONLY_ADMINS = "Only an administrator of the team can change what its devices serve."
OTHER_TEAM = "This run is of another team than the device."
FILE_GONE = "Run {number} has lost its file {path}; run it again."
OTHER_FILE = "The file {path} of run {number} is not the network that the run says it is; run it again."
OVERTAKEN = "Something else was sent to this board a moment ago, as {device} or as another entry of it: look, and send again."
FULL = "{most:,} updates wait for {device} already: send more when it has taken some."
REPLACED = "A new first network takes its place."
NOT_WAITING = "It waits no longer: it is {state}."
SERVES_NOTHING = "serves no network"
SERVES_OTHER = "serves, or will serve, another network"
MOST_WAITING = 1000
NO_NUMBER_LEFT = "{device} says that it has number {number}, and there is none above it: let the board join again, from nothing."
# The run counted with the same file on the same runtime; on another processor sums are made in another order, and only an image
# whose two best answers agree to some six digits can fall the other way. One such image of 64 is ample, and a network that this
# board's runtime gets wrong is far from it.
IMAGES_A_SLIP = 64


def deploy_first(user: User, run: Run, device: Device) -> Deployment:
    """Send the network with which the run begins; the device serves it in place of whatever it serves now.

    Updates of the network before that still wait are withdrawn. Refused or Conflict with a sentence when it cannot be.
    """
    _may(user, run, device)
    with transaction.atomic():
        sending = _sending(user, run, _locked(device))
        (made,) = _addressed(sending, [sending.offer.first])
        settling.withdraw(sending.stands.waiting, REPLACED)
        _save(sending, [made])
        settling.tell(device)
    return made


def send(user: User, run: Run, device: Device, *, rounds: int | None = 1) -> list[Deployment]:
    """Send the next updates of the run, as many as `rounds` (None: all that are left), behind what is on its way already.

    Refused or Conflict with a sentence when none of them begins with what the device will be serving, or with the first network
    that it keeps.
    """
    if rounds is not None and not 1 <= rounds <= MOST_WAITING:
        raise Refused({"rounds": f"From 1 to {MOST_WAITING:,}; got {rounds}."})
    _may(user, run, device)
    with transaction.atomic():
        stands = _locked(device)
        room = MOST_WAITING - len(stands.waiting)
        if room <= 0:
            raise Conflict({"": FULL.format(most=MOST_WAITING, device=device)})
        sending = _sending(user, run, stands)
        made = _addressed(sending, _next(run, sending.offer, stands)[:min(room, rounds or room)])
        _save(sending, made)
        settling.tell(device)
    return made


def withdraw(user: User, deployment: Deployment) -> None:
    """Take back what still waits, and what waits behind it and builds on it. Conflict when the board has settled it already.

    A board that is about to take it at this very moment still says so, and what it says holds.
    """
    if not Device.objects.administered_by(user).filter(pk=deployment.device_id).exists():
        raise Refused({"": ONLY_ADMINS})
    with transaction.atomic():
        stands = _locked(deployment.device, whether_it_can=False)
        found = next((each for each in stands.waiting if each.pk == deployment.pk), None)
        if found is None:
            deployment.refresh_from_db()
            raise Conflict({"": NOT_WAITING.format(state=deployment.state)})
        settling.withdraw([found], f"Withdrawn by {user}.")
        settling.withdraw_behind(found, f"Number {found.number}, on which it builds, was withdrawn.")
        settling.tell(deployment.device)


def upcoming(run: Run, device: Device) -> list[Update]:
    """Which updates `send` would send, in order; Conflict with the sentence that it would say."""
    stands = standing.of(device)
    _refuse_if_it_cannot(stands)
    return _next(run, offering.offered(run), stands)


def _next(run: Run, offer: Offered, stands: Standing) -> list[Update]:
    found = offering.following(offer.updates, stands.will_serve, stands.will_keep) if stands.will_serve else []
    if not found:
        is_last = stands.will_serve in [each.result for each in offer.updates[-1:]] or (
            not offer.updates and stands.will_serve == offer.first.sha256)
        serves = SERVES_OTHER if stands.will_serve else SERVES_NOTHING
        sentence = offering.NOTHING_LEFT if is_last else offering.OTHER_NETWORK
        raise Conflict({"": sentence.format(number=run.number, device=stands.device, serves=serves)})
    return found


def _may(user: User, run: Run, device: Device) -> None:
    if not Device.objects.administered_by(user).filter(pk=device.pk).exists():
        raise Refused({"": ONLY_ADMINS})
    if run.team_id != device.team_id:
        raise Refused({"run": OTHER_TEAM})


def _locked(device: Device, *, whether_it_can: bool = True) -> Standing:
    """Where it stands, until the transaction ends; whoever changes what is on its way waits for each other here."""
    held = Device.objects.select_for_update(of=("self",), no_key=True).select_related("team").get(pk=device.pk)
    found = standing.of(held)
    if whether_it_can:
        _refuse_if_it_cannot(found)
    return found


def _refuse_if_it_cannot(stands: Standing) -> None:
    if stands.cannot:
        raise Conflict({"": stands.cannot})


# The envelope

@dataclass(frozen=True)
class _Sending:
    """What is the same for all that is sent at once. `files`: the run's, by path."""

    user: User
    run: Run
    stands: Standing
    offer: Offered
    files: dict[str, Blob]
    key: Ed25519PrivateKey


def _sending(user: User, run: Run, stands: Standing) -> _Sending:
    """Conflict when the run's first network is not the one that the run says it is."""
    offer = offering.offered(run)
    rows = run.files.select_related("blob").order_by("pk")
    found = _Sending(user, run, stands, offer, {row.path: row.blob for row in rows}, signing.key())
    if _file(found, offer.first.path).sha256 != offer.first.sha256:
        raise Conflict({"": OTHER_FILE.format(number=run.number, path=offer.first.path)})
    return found


def _addressed(sending: _Sending, whats: Sequence[First | Update]) -> list[Deployment]:
    """Signed, with the next numbers, and not saved yet."""
    last = _last_number(sending.stands)
    if last + len(whats) > addressed.HIGHEST:
        raise Conflict({"": NO_NUMBER_LEFT.format(device=sending.stands.device, number=last)})
    return [_envelope(sending, number, what) for number, what in enumerate(whats, last + 1)]


def _save(sending: _Sending, made: list[Deployment]) -> None:
    """Two entries of one board have locks of their own, and its numbers together."""
    try:
        with transaction.atomic():
            Deployment.objects.bulk_create(made)
    except IntegrityError:
        raise Conflict({"": OVERTAKEN.format(device=sending.stands.device)}) from None


def _envelope(sending: _Sending, number: int, what: First | Update) -> Deployment:
    user, run, stands, offer = sending.user, sending.run, sending.stands, sending.offer
    assert stands.agent is not None
    body, first, batch = _file(sending, what.path), _file(sending, offer.first.path), offer.batch
    kind: addressed.Kind = "first" if isinstance(what, First) else "change"
    address = Address(stands.agent.instance, number, body.sha256, body.size_bytes, batch.sha256 if batch else "",
                      _least(what.right, batch.images) if batch else 0, kind)
    head = addressed.head(address, sending.key)
    whole = addressed.head(replace(address, kind="first", change_bytes=first.size_bytes), sending.key)
    kept = _file(sending, batch.path) if batch else None
    return Deployment(
        team=stands.device.team, device=stands.device, addressed_to=address.device, number=address.number, kind=kind, run=run,
        run_number=run.number, network=offering.network_name(run), path=what.path, head=head, body=body, batch=kept,
        round=what.round if isinstance(what, Update) else 0, sha256=_sha256(head, body),
        sent_bytes=len(head) + body.size_bytes, everything_bytes=len(whole) + first.size_bytes,
        batch_bytes=kept.size_bytes if kept and isinstance(what, First) else 0, batch_images=batch.images if batch else 0,
        least_right=address.least_right, base_sha256=what.base if isinstance(what, Update) else "",
        result_sha256=what.result if isinstance(what, Update) else what.sha256, created_by=user)


def _last_number(stands: Standing) -> int:
    """Of all that were ever given to this board, and of what it says it has: the database may be of a backup."""
    assert stands.agent is not None
    given = Deployment.objects.filter(addressed_to=stands.agent.instance).aggregate(last=Max("number"))["last"] or 0
    return max(int(given), (stands.served.number or 0) if stands.served else 0)


def _least(right: int, images: int) -> int:
    return max(0, right - -(-images // IMAGES_A_SLIP))


def _file(sending: _Sending, path: str) -> Blob:
    found = sending.files.get(path)
    if found is None:
        raise Conflict({"": FILE_GONE.format(number=sending.run.number, path=path)})
    return found


def _sha256(head: bytes, body: Blob) -> str:
    digest = hashlib.sha256(head)
    with blobs.local(body.sha256).open("rb") as source:
        while piece := source.read(blobs.CHUNK):
            digest.update(piece)
    return digest.hexdigest()


