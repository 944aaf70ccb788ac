"""What the desk asks before it does something with many boards."""

from __future__ import annotations

import copy
from typing import Any

from django import forms

from apps.accounts.models import Team
from apps.devices import labels, names
from apps.devices.enrolment import MOST_BOARDS
from apps.devices.models import PLACES, Agent, Device

STAYS = "A device stays with its team: what was measured on it is that team's, and its agent's token is bound to it."
NO_HOST = "An agent lives on this device and asks for its runs, so no worker may measure on it too: end the agent's token first."


def lives(device: Device) -> bool:
    """Whether an agent lives on it."""
    return Agent.objects.filter(device=device.pk, revoked=None).exists()


class DeviceForm(forms.ModelForm[Device]):
    """A device on the desk; its labels as words."""

    labels = forms.CharField(required=False, max_length=1000, help_text=labels.FORM)

    class Meta:
        model = Device
        fields = "__all__"  # noqa: DJ007  the desk changes every column that is no report of the device

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.initial["labels"] = " ".join(self.instance.labels)

    def clean_labels(self) -> list[str]:
        return _words(self.cleaned_data["labels"])

    def clean_team(self) -> Team:
        team: Team = self.cleaned_data["team"]
        if not self.instance._state.adding and team.pk != self.instance.team_id:
            raise forms.ValidationError(STAYS)
        return team

    def clean_host(self) -> str:
        host: str = self.cleaned_data["host"]
        if host and lives(self.instance):
            raise forms.ValidationError(NO_HOST)
        return host

    def clean(self) -> dict[str, Any]:
        """Shared or called otherwise, it may meet another of its name."""
        cleaned = super().clean() or {}
        as_kept = copy.copy(self.instance)
        for name in {"team", "name", "host", "shared"} & set(cleaned):
            setattr(as_kept, name, cleaned[name])
        if as_kept.team_id and {"name", "host", "shared"} & set(self.changed_data) and (said := names.clash([as_kept])):
            self.add_error("name", said)
        return cleaned

    def clean_retired(self) -> bool:
        """An entry that was merged into another one stays retired."""
        return bool(self.cleaned_data["retired"] or self.instance.merged_into_id)


class CodeForm(forms.Form):
    """One code for so many boards of a team."""

    team = forms.ModelChoiceField(Team.objects.all())
    boards = forms.IntegerField(min_value=1, max_value=MOST_BOARDS, initial=1, help_text="So many boards may join with it.")
    tier = forms.ChoiceField(choices=[(tier.value, words) for tier, words in PLACES.items()], label="They stand")
    location = forms.CharField(required=False, max_length=120)
    labels = forms.CharField(required=False, max_length=1000, help_text=labels.FORM)

    def clean_labels(self) -> list[str]:
        return _words(self.cleaned_data["labels"])


class StageForm(forms.Form):
    """How many agents, of which boards."""

    label = forms.CharField(required=False, max_length=60, help_text="Only boards with this label; empty means all.")
    percent = forms.IntegerField(min_value=1, max_value=100, initial=10, label="Percent of them",
                                 help_text="In all, with those that have the version already.")

    def clean_label(self) -> str:
        found = _words(self.cleaned_data["label"])
        if len(found) > 1:
            raise forms.ValidationError("One label, or none.")
        return found[0] if found else ""


class KeepForm(forms.Form):
    """Which of several entries is kept."""

    keep = forms.ModelChoiceField[Any](None, widget=forms.RadioSelect, empty_label=None, label="Keep")

    def __init__(self, devices: Any, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        field: Any = self.fields["keep"]
        field.queryset = devices


def _words(text: str) -> list[str]:
    try:
        return labels.words(text)
    except ValueError as wrong:
        raise forms.ValidationError(str(wrong)) from None
