"""What a team's administrator may say about a device; the rest the device reports itself."""

from __future__ import annotations

from django import forms

from apps.devices.models import Device


class DeviceForm(forms.ModelForm[Device]):
    class Meta:
        model = Device
        fields = ["name", "tier", "hardware", "location"]
        help_texts = {
            "name": "Unique in the team.",
            "tier": "How far it stands from the sensor.",
            "hardware": "Board or processor, e.g. Raspberry Pi 4.",
            "location": "Where to find it, e.g. lab 2, shelf B.",
        }

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        others = Device.objects.filter(team=self.instance.team, name=name).exclude(pk=self.instance.pk)
        if others.exists():
            raise forms.ValidationError("Another device of the team has this name.")
        return name
