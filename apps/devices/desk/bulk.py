"""Many devices changed at once: what is left as it is, is not touched; one line of the trail for each that is another now."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.db import transaction

from apps.accounts.refusal import Refused
from apps.accounts.words import plain
from apps.devices import labels, names, trail
from apps.devices.models import PLACES, Device

AS_IT_IS = ("", "leave as it is")
YES_NO = [AS_IT_IS, ("1", "yes"), ("0", "no")]
FIELDS = ("tier", "location", "labels", "draining", "retired", "shared")


class BulkForm(forms.Form):
    """Everything empty changes nothing."""

    tier = forms.ChoiceField(required=False, choices=[AS_IT_IS, *((tier.value, words) for tier, words in PLACES.items())],
                             label="Stands")
    location = forms.CharField(required=False, max_length=120)
    empty_location = forms.BooleanField(required=False, label="no location")
    add = forms.CharField(required=False, max_length=1000, label="Labels to add", help_text=labels.FORM)
    remove = forms.CharField(required=False, max_length=1000, label="Labels to remove")
    draining = forms.ChoiceField(required=False, choices=YES_NO, help_text="Nothing new begins on them.")
    retired = forms.ChoiceField(required=False, choices=YES_NO, help_text="Out of lists and choices; what was measured stays.")
    shared = forms.ChoiceField(required=False, choices=YES_NO, help_text="Every team may run on them.")

    def clean_location(self) -> str:
        wrong: dict[str, str] = {}
        text = plain("location", self.cleaned_data["location"], 120, wrong, needed=False)
        if wrong:
            raise forms.ValidationError(wrong["location"])
        return text

    def clean_add(self) -> list[str]:
        return _labels(self.cleaned_data["add"])

    def clean_remove(self) -> list[str]:
        return _labels(self.cleaned_data["remove"])


def change_all(devices: Sequence[Device], said: Mapping[str, Any]) -> int:
    """Change them as the form says; how many are another now. ValueError: too many labels; Refused: two of one name meet."""
    with transaction.atomic():
        locked = list(Device.objects.select_for_update(of=("self",)).select_related("team").filter(
            pk__in=[device.pk for device in devices]))
        changed = [_changed(device, said) for device in locked]
        if clash := names.clash([new for old, new in zip(locked, changed, strict=True) if new.shared and not old.shared]):
            raise Refused({"shared": clash})
        return trail.change_all(changed, FIELDS, locked)


def _changed(device: Device, said: Mapping[str, Any]) -> Device:
    new = copy.copy(device)
    new.tier = said["tier"] or device.tier
    new.location = "" if said["empty_location"] else said["location"] or device.location
    new.labels = labels.checked(set(device.labels) - set(said["remove"]) | set(said["add"]))
    for name in ("draining", "retired", "shared"):
        if said[name]:
            setattr(new, name, said[name] == "1")
    new.retired = new.retired or device.merged_into_id is not None
    return new


def _labels(text: str) -> list[str]:
    try:
        return labels.words(text)
    except ValueError as wrong:
        raise forms.ValidationError(str(wrong)) from None
