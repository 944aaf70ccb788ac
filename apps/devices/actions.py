"""What a person does in the registry: register a device by hand, change it, drain it, retire it and bring it back."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction

from apps.accounts import teams
from apps.accounts.models import Team, User
from apps.accounts.refusal import Conflict, Refused
from apps.devices import trail
from apps.devices.boards import states
from apps.devices.forms import DeviceForm, HandForm, form_for
from apps.devices.models import Device

ONLY_ADMINS = "Only an administrator of the team can change its devices; a shared one only an operator of the portal."
MOST_DEVICES = 5_000  # of one team


def register(user: User, team: Team, given: dict[str, Any]) -> Device:
    """A device that runs no agent and no worker: others measure it, or its numbers are brought in files."""
    return keep(user, HandForm(given, instance=Device(team=team)))


def change(user: User, device: Device, given: dict[str, Any]) -> Device:
    """Say something else about it; what is left out stays as it is."""
    form = form_for(device)
    unsaid = sorted(set(given) - set(form.base_fields))
    if unsaid:
        raise Refused({field: "This the device says of itself." for field in unsaid})
    empty = form(instance=device)
    known = {name: field.initial if field.initial is not None else getattr(device, name, None)
             for name, field in empty.fields.items()}
    return keep(user, form(typed({**known, **given}), instance=device))


def keep(user: User, form: DeviceForm) -> Device:
    """Keep a form that a person has filled in, new or changed."""
    device = form.instance
    is_new = device._state.adding
    if not _administers(user, device):
        raise Refused({"": ONLY_ADMINS})
    if is_new and Device.objects.filter(team=device.team).count() >= MOST_DEVICES:
        raise Refused({"": f"A team has at most {MOST_DEVICES} devices."})
    if not form.is_valid():
        refused = {field if field != "__all__" else "": " ".join(map(str, texts)) for field, texts in form.errors.items()}
        raise (Conflict if form.is_overtaken else Refused)(refused)
    kept = form.save(commit=False)
    was = form.initial.get("name", "")
    if was and was not in (kept.name, *kept.former_names):
        kept.former_names = [*kept.former_names, was]
    try:
        with trail.by(user), transaction.atomic():
            kept.save(update_fields=None if is_new else [*form.changed, "former_names"])
            states.say(kept)
    except IntegrityError:
        raise Refused({"name": "Another device of the team has this name."}) from None
    return kept


def drain(user: User, device: Device, *, on: bool) -> None:
    """Let nothing new begin on it, what runs ends; or let it work again."""
    _set(user, device, draining=on)


def retire(user: User, device: Device) -> None:
    """Take it out of lists and choices; what was measured on it stays, and it can be brought back."""
    _set(user, device, retired=True)


def bring_back(user: User, device: Device) -> None:
    """Undo a retirement."""
    if device.merged_into_id:
        raise Conflict({"": "It was the same device as another, and all that it had is there now."})
    _set(user, device, retired=False)


def _set(user: User, device: Device, **values: bool) -> None:
    if not _administers(user, device):
        raise Refused({"": ONLY_ADMINS})
    with trail.by(user), transaction.atomic():
        locked = Device.objects.select_for_update(of=("self",)).select_related("team").get(pk=device.pk)
        for name, value in values.items():
            setattr(locked, name, value)
        locked.save(update_fields=list(values))
        states.say(locked)


def _administers(user: User, device: Device) -> bool:
    """Of a new device the team is asked for, of a kept one its row: sharing is part of it."""
    if device._state.adding:
        return teams.administers(user, device.team)
    return Device.objects.administered_by(user).filter(pk=device.pk).exists()


def typed(values: dict[str, Any]) -> dict[str, str]:
    """Values as a person would type them."""
    return {name: " ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
            for name, value in values.items()}
