"""What a team's administrator may say about a device; the rest the device reports itself."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any, ClassVar

from django import forms

from apps.accounts.sight import KEPT, is_overtaken, mark
from apps.accounts.words import is_kept, plain, seen
from apps.devices import labels, names
from apps.devices.models import PLACES, Device, Tier

LONGEST = 200  # the columns' own limits are asked for first
MOST_MB, MOST_CORES = 10**9, 100_000
MEGABYTE = 1_000_000


class DeviceForm(forms.ModelForm[Device]):
    """What people know of a device, however it came into the registry."""

    is_overtaken = False
    labels = forms.CharField(required=False, max_length=1000, help_text="Words to find it by, e.g. lab2 quiet. " + labels.FORM)

    class Meta:
        model = Device
        fields: ClassVar[list[str]] = ["name", "tier", "hardware", "location"]
        labels: ClassVar[dict[str, str]] = {"tier": "Stands"}
        help_texts: ClassVar[dict[str, str]] = {
            "name": "Unique in the team.",
            "tier": "How far it stands from the sensor.",
            "hardware": "Board or processor, e.g. Raspberry Pi 4.",
            "location": "Where to find it, e.g. lab 2, shelf B.",
        }

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        # A rejected form writes its values into its instance.
        self._kept = [str(getattr(self.instance, name)) for name in self.Meta.fields] + [" ".join(self.instance.labels)]
        self.fields["labels"].initial = " ".join(self.instance.labels)
        self.fields["tier"].choices = [(tier.value, word) for tier, word in PLACES.items()]  # type: ignore[attr-defined]

    @property
    def changed(self) -> list[str]:
        """The columns that this form keeps."""
        return [*self.Meta.fields, "labels"]

    @property
    def seen(self) -> str:
        """The mark of the device as it is kept, for who edits it now."""
        return mark(*self._kept)

    def clean(self) -> dict[str, Any]:
        """Texts as they are seen, and nothing overwritten that somebody else changed meanwhile; a program says no mark."""
        cleaned = super().clean() or {}
        for field in {"name", "hardware", "location", "os", "accelerators"} & set(cleaned):
            wrong: dict[str, str] = {}
            cleaned[field] = plain(field, cleaned[field], LONGEST, wrong, needed=field == "name")
            if wrong:
                self.add_error(field, wrong[field])
        if is_overtaken(self.data.get("seen"), *self._kept):
            self.is_overtaken = True
            now = ", ".join(filter(None, self._kept))
            self.add_error(None, f"Somebody changed this device meanwhile; now it is: {now}. {KEPT}")
        self.instance.labels = cleaned.get("labels", self.instance.labels)
        return cleaned

    def clean_name(self) -> str:
        name: str = seen(self.cleaned_data["name"])
        others = Device.objects.filter(team=self.instance.team, name=name).exclude(pk=self.instance.pk)
        if is_kept(name) and others.exists():
            raise forms.ValidationError("Another device of the team has this name.")
        if name != self.instance.name:
            as_kept = copy.copy(self.instance)
            as_kept.name = name
            if said := names.clash([as_kept]):
                raise forms.ValidationError(said)
        return name

    def clean_labels(self) -> list[str]:
        try:
            return labels.words(seen(self.cleaned_data["labels"]))
        except ValueError as wrong:
            raise forms.ValidationError(str(wrong)) from None


class HandForm(DeviceForm):
    """A device that no program speaks for: what it is, a person says."""

    memory_mb = forms.DecimalField(required=False, min_value=Decimal("0.001"), max_value=MOST_MB, max_digits=18, decimal_places=6,
                                   label="Memory")
    memory_mb.unit = "MB"  # type: ignore[attr-defined]

    class Meta(DeviceForm.Meta):
        fields: ClassVar[list[str]] = [*DeviceForm.Meta.fields, "os", "cores", "accelerators"]
        help_texts: ClassVar[dict[str, str]] = {**DeviceForm.Meta.help_texts, "os": "E.g. Debian 13.", "cores": "",
                                                "accelerators": "E.g. Coral Edge TPU."}

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["cores"] = forms.IntegerField(required=False, min_value=1, max_value=MOST_CORES, initial=self.instance.cores)
        if self.instance.memory_bytes:
            self.fields["memory_mb"].initial = f"{Decimal(self.instance.memory_bytes) / MEGABYTE:f}"
        self.fields["tier"].initial = self.instance.tier or Tier.DEVICE

    @property
    def changed(self) -> list[str]:
        return [*super().changed, "memory_bytes"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if "memory_mb" in cleaned:
            said = cleaned["memory_mb"]
            self.instance.memory_bytes = int(said * MEGABYTE) if said else None
        return cleaned


def form_for(device: Device) -> type[DeviceForm]:
    """What a device says of itself, people do not type."""
    speaks = bool(device.host) or (not device._state.adding and device.agents.exists())
    return DeviceForm if speaks else HandForm
