"""A link there and back, in one form."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.accounts.models import Team, User
from apps.devices.links.actions import Numbers
from apps.devices.links.numbers import BANDWIDTH_MBPS, LATENCY_MS, Range, read
from apps.devices.listing import usable
from apps.devices.models import Origin
from worker.wording import point_hint

MOST_OFFERED = 500
ORIGINS = [(Origin.TYPED, "known or assumed"), (Origin.MEASURED, "measured, with ping and iperf for example")]


class NumberField(forms.CharField):
    """A number as the files have it, in the same range."""

    def __init__(self, within: Range, unit: str, **more: Any) -> None:
        super().__init__(max_length=40, **more)
        self.within, self.unit = within, unit
        self.widget.attrs["inputmode"] = "decimal"

    def clean(self, value: Any) -> float | None:
        text = super().clean(value)
        if not text:
            return None
        found = read(text, self.within)
        if found is None:
            hint = point_hint(text)
            raise forms.ValidationError(f"This must be {self.within.words}.{f' A decimal has a point: {hint}.' if hint else ''}")
        return found


class LinkForm(forms.Form):
    """Two devices and what lies between them; what is left empty for the way back is as it is there."""

    source = forms.ModelChoiceField[Any](None, label="Between", empty_label="choose a device")
    target = forms.ModelChoiceField[Any](None, label="and", empty_label="choose a device")
    latency_ms = NumberField(LATENCY_MS, "ms", label="Round trip (ping)")
    bandwidth_mbps = NumberField(BANDWIDTH_MBPS, "Mbit/s", label="Bandwidth there")
    latency_back_ms = NumberField(LATENCY_MS, "ms", required=False, label="Round trip, begun at the other end",
                                  help_text="Left empty: the same.")
    bandwidth_back_mbps = NumberField(BANDWIDTH_MBPS, "Mbit/s", required=False, label="Bandwidth back",
                                      help_text="Left empty: the same.")
    origin = forms.ChoiceField(choices=ORIGINS, label="These numbers are")

    def __init__(self, user: User, team: Team | None, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        for end in ("source", "target"):
            field: Any = self.fields[end]
            field.queryset = usable(user, team).filter(retired=False)
            field.error_messages["invalid_choice"] = "This device is no longer there; choose another."

    @property
    def there(self) -> Numbers:
        return Numbers(self.cleaned_data["latency_ms"], self.cleaned_data["bandwidth_mbps"])

    @property
    def back(self) -> Numbers:
        return Numbers(_or(self.cleaned_data["latency_back_ms"], self.there.latency_ms),
                       _or(self.cleaned_data["bandwidth_back_mbps"], self.there.bandwidth_mbps))


def _or(value: float | None, other: float) -> float:
    return other if value is None else value
