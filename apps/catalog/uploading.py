"""What a person does with an upload: start, send a part, finish, check again, abandon."""

from __future__ import annotations

import contextlib
from typing import IO, Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.accounts import teams
from apps.accounts.models import Team, User
from apps.accounts.refusal import Conflict, Refused
from apps.catalog import checking, parts, room, wishes
from apps.catalog.models import Dataset, RegisteredModel, Upload, UploadPart, UploadState
from worker import firstlook

LEAST_PART_BYTES = 100_000
MOST_UNFINISHED = 100
HEAD_BYTES = firstlook.MOST_HEADER_BYTES + 8
CALLED = {"model": "A model", "dataset": "A data set"}


class TooLarge(Refused):
    """There is no room for so much; both numbers are told."""

    def __init__(self, text: str, limit: int, got: int) -> None:
        super().__init__({"size_bytes": text})
        self.limit, self.got = limit, got


class OutOfPlace(Conflict):
    """The upload stands elsewhere than the sender believes; the row says where."""

    def __init__(self, text: str) -> None:
        super().__init__({"": text})


def start(user: User, team: Team | None, kind: str, file_name: str, size_bytes: int, options: dict[str, Any],
          fingerprint: str = "") -> tuple[Upload, bool]:
    """A new upload, or the one of the same file that is still on its way in, and whether it is new."""
    if team is None or not teams.may_edit(user, team):
        raise Refused({"": "Your role in this team does not allow to upload."})
    wish = wishes.read(user, team, kind, options)
    check_name(team, kind, wish)
    _check_size(kind, size_bytes)
    with transaction.atomic():
        # Two that start at once must not both take the last room.
        Team.objects.editable_by(user).select_for_update().get(pk=team.pk)
        known = _same(user, team, kind, size_bytes, fingerprint)
        if known:
            _say_more(known, wish)
            return known, False
        _check_room(team, size_bytes)
        made = Upload.objects.create(team=team, kind=kind, file_name=wishes.shown_name(file_name), size_bytes=size_bytes,
                                     fingerprint=fingerprint, options=wish, made_by=user)
        checking.say(made)
    return made, True


def _same(user: User, team: Team, kind: str, size_bytes: int, fingerprint: str) -> Upload | None:
    if not fingerprint:
        return None
    mine = Upload.objects.editable_by(user).filter(team=team, made_by=user, state=UploadState.RECEIVING)
    found: Upload | None = mine.filter(kind=kind, size_bytes=size_bytes, fingerprint=fingerprint).first()
    return found


def _say_more(upload: Upload, wish: dict[str, Any]) -> None:
    """What is said of a file that is gone on with counts; what is not said again still holds."""
    said = upload.options | {name: value for name, value in wish.items() if value}
    if said != upload.options:
        upload.options = said
        upload.save(update_fields=["options", "touched"])


def check_name(team: Team, kind: str, wish: dict[str, Any]) -> None:
    rows = Dataset.objects.filter(team=team) if kind == "dataset" else RegisteredModel.objects.filter(team=team)
    if wish["name"] and not wish["model"] and rows.filter(name=wish["name"]).exists():
        raise Refused({"name": f"{wish['name']} is taken in this team; choose another name."})


def _check_size(kind: str, size_bytes: int) -> None:
    limit = settings.UPLOAD_LIMITS[kind]
    if size_bytes < 1:
        raise Refused({"size_bytes": "The file is empty."})
    if size_bytes > limit:
        raise TooLarge(f"{CALLED[kind]} may have {limit:,} bytes; this file has {size_bytes:,}.", limit, size_bytes)


def _check_room(team: Team, size_bytes: int) -> None:
    left = room.left_bytes(team)
    if size_bytes > left:
        raise TooLarge(f"The team has room for {left:,} bytes more; this file has {size_bytes:,}.", left, size_bytes)
    if Upload.objects.filter(team=team, state=UploadState.RECEIVING).count() >= MOST_UNFINISHED:
        raise Refused({"": f"The team has {MOST_UNFINISHED} unfinished uploads; finish or abandon some first."})


def expects(upload: Upload, offset: int, length: int | None) -> bool:
    """Before a part's body is read: whether it is wanted. False for one that is here already; else it is refused."""
    if upload.state != UploadState.RECEIVING:
        raise OutOfPlace(f"The upload is {upload.state}; it takes no more parts.")
    if offset < upload.received_bytes:
        return False
    if offset > upload.received_bytes:
        raise OutOfPlace(f"The next part begins at {upload.received_bytes:,}, not at {offset:,}.")
    if length is not None:
        _check_part(upload, length)
    return True


def _check_part(upload: Upload, length: int) -> None:
    left = upload.size_bytes - upload.received_bytes
    most = min(settings.UPLOAD_PART_BYTES, left)
    if length > most:
        raise TooLarge(f"This part may have {most:,} bytes; it has {length:,}.", most, length)
    if length < min(LEAST_PART_BYTES, left):
        raise Refused({"body": f"A part has at least {min(LEAST_PART_BYTES, left):,} bytes; this one has {length:,}."})


def accept(upload: Upload, offset: int, piece: IO[bytes]) -> Upload:
    """Keep a part that was wanted. The first one is looked at: a wrong file is Refused in the first second."""
    size = piece.seek(0, 2)
    _check_part(upload, size)
    seen = {"findings": {"seen": _look(upload, piece)}} if offset == 0 else {}
    name = parts.put(upload, offset, piece)
    with transaction.atomic():
        here = Upload.objects.filter(pk=upload.pk, state=UploadState.RECEIVING, received_bytes=offset)
        moved = here.update(received_bytes=offset + size, touched=timezone.now(), **seen)
        if moved:
            UploadPart.objects.create(upload_id=upload.pk, offset=offset, size_bytes=size, name=name)
    if not moved:
        parts.remove(name)  # The same part came twice at once; the other one is kept.
    now: Upload | None = Upload.objects.filter(pk=upload.pk).select_related("team").first()
    if now is None:
        raise OutOfPlace("The upload was abandoned meanwhile.")
    return now


def _look(upload: Upload, piece: IO[bytes]) -> str:
    """What its beginning shows it to be, where it does."""
    piece.seek(0)
    try:
        return firstlook.look(upload.kind, upload.file_name, piece.read(HEAD_BYTES), upload.size_bytes)
    except firstlook.Unfit as unfit:
        # Another request has refused or abandoned it already: that changes nothing of what this one is told.
        with contextlib.suppress(checking.Fenced):
            checking.refuse(upload, str(unfit))
        raise Refused({"file": str(unfit)}) from None


def finish(user: User, upload: Upload) -> Upload:
    """All parts are here: have the file checked. Asked twice, it is the same."""
    with transaction.atomic():
        held = _held(user, upload)
        if held.state != UploadState.RECEIVING:
            return held
        if held.received_bytes < held.size_bytes:
            raise OutOfPlace(f"{held.received_bytes:,} of {held.size_bytes:,} bytes are here.")
        checking.queue(held)
    return held


def again(user: User, upload: Upload, options: dict[str, Any]) -> Upload:
    """Check a refused file with other options; it need not be sent again."""
    wish = wishes.read(user, upload.team, upload.kind, options)
    check_name(upload.team, upload.kind, wish)
    with transaction.atomic():
        held = _held(user, upload)
        if held.is_fresh:
            raise OutOfPlace("There is no file to check again: ask for a new model instead.")
        if held.state != UploadState.REFUSED or held.received_bytes < held.size_bytes:
            raise OutOfPlace(f"The upload is {held.state}; only a refused file that is still here can be checked again.")
        held.options = wish
        checking.queue(held)
    return held


def abandon(user: User, upload: Upload) -> None:
    """Forget an upload that has not become a model or a data set, and its bytes."""
    with transaction.atomic():
        held = _held(user, upload)
        if held.state == UploadState.READY:
            raise OutOfPlace("The upload has ended well; delete what came of it instead.")
        checking.say(held, gone=True)
        checking.forget(held)


def _held(user: User, upload: Upload) -> Upload:
    held: Upload | None = Upload.objects.editable_by(user).select_for_update(of=("self",)).filter(pk=upload.pk).first()
    if held is None:
        raise Refused({"": "Your role in this team does not allow this."})
    return held


