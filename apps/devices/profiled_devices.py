"""The device that a file describes: what it says otherwise than the registry, and the registry changed accordingly."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NamedTuple

from pydantic import ValidationError

from apps.accounts import teams
from apps.accounts.models import Team, User
from apps.accounts.refusal import Refused
from apps.devices import actions
from apps.devices.forms import MEGABYTE, form_for
from apps.devices.labels import checked
from apps.devices.models import Device
from worker.profile import Hardware
from worker.profile.reading import Brought

FIELDS = tuple(name for name in Hardware.model_fields if name != "name")
ONLY_ADMINS = ("The file's device is “{name}”, which {does}. Only an administrator of the team does that; "
               "choose a device that is there, or leave the description out.")
ITSELF = "“{name}” says {fields} of itself, and otherwise than the file; leave {fields} out of the file."


class Change(NamedTuple):
    """What a file says of a device, and what is known of it so far."""

    field: str
    before: Any
    after: Any

    @property
    def words(self) -> str:
        return _word(self.field)

    @property
    def before_words(self) -> str:
        return _told(self.field, self.before)

    @property
    def after_words(self) -> str:
        return _told(self.field, self.after)


def _told(field: str, value: Any) -> str:
    """As a person reads it."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {version}" for name, version in value.items())
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    if field == "memory_bytes" and value:
        return f"{Decimal(value) / MEGABYTE:,f} MB"
    return "" if value is None else str(value)


def is_hardware(brought: Brought) -> bool:
    """Whether the file describes a device; a table of profiles only has one in its name."""
    return brought.device is not None and not (brought.written_as == "csv" and brought.profiles)


def changes(user: User, team: Team, device: Device | None, brought: Brought) -> tuple[Change, ...]:
    """What the file says otherwise. A description of another device than the chosen one says nothing of it."""
    said = brought.device
    if said is None or (device is not None and device.name != said.name):
        return ()
    before = {name: getattr(device, name) if device else None for name in FIELDS}
    found = tuple(Change(name, before[name], after) for name in FIELDS if name in said.model_fields_set
                  for after in [_value(said, name)] if after != before[name])
    if (found or device is None) and not _may(user, team, device):
        does = "is not there yet" if device is None else f"has another {', '.join(_word(each.field) for each in found)}"
        raise Refused({"device": ONLY_ADMINS.format(name=said.name, does=does)})
    if device is not None:
        _check_spoken(device, found)
    return found


def _may(user: User, team: Team, device: Device | None) -> bool:
    return teams.administers(user, team) if device is None else Device.objects.administered_by(user).filter(pk=device.pk).exists()


def _check_spoken(device: Device, found: tuple[Change, ...]) -> None:
    """An agent or a worker knows better than a file."""
    typed = {*form_for(device).base_fields}
    typed |= {"memory_bytes", "runtimes"} if "memory_mb" in typed else set()
    wrong = [_word(each.field) for each in found if each.field not in typed]
    if wrong:
        raise Refused({"device": ITSELF.format(name=device.name, fields=", ".join(wrong))})


def kept(user: User, team: Team, device: Device | None, brought: Brought, found: tuple[Change, ...]) -> Device:
    """The device, made or changed as the file says."""
    given = {each.field: each.after for each in found if each.field not in ("runtimes", "memory_bytes")}
    memory = next((each.after for each in found if each.field == "memory_bytes"), None)
    given |= {"memory_mb": f"{Decimal(memory) / MEGABYTE:f}"} if memory else {}
    if device is None:
        name, tier = (brought.device.name, brought.device.tier) if brought.device else ("", "device")
        device = actions.register(user, team, actions.typed({"name": name, "tier": tier, **given}))
    elif given:
        device = actions.change(user, device, given)
    runtimes = next((each.after for each in found if each.field == "runtimes"), None)
    if runtimes is not None:
        device.runtimes = runtimes
        device.save(update_fields=["runtimes"])
    return device


def hardware(device: Device) -> Hardware:
    """A device as a file describes it; what it said of itself and no file may say is left out."""
    said: dict[str, Any] = {"name": device.name}
    for name in FIELDS:
        value = getattr(device, name)
        try:
            Hardware.model_validate({"name": "x", name: value})
        except ValidationError:
            continue
        said |= {name: value}
    return Hardware.model_validate(said)


def _value(said: Hardware, name: str) -> Any:
    value = getattr(said, name)
    return checked(value) if name == "labels" else value


def _word(field: str) -> str:
    return {"memory_bytes": "memory", "os": "operating system", "hardware": "processor"}.get(field, field)
