"""What is asked before a code is made."""

from __future__ import annotations

from typing import Any

from django import forms

from apps.accounts.words import seen
from apps.devices import enrolment, labels
from apps.devices.models import PLACES, Tier

DATA_PORT = ("One of tier edge or cloud can also take tensors of plans straight from other boards if its owner opens a port: "
             "EDGEPORTAL_AGENT_DATA_PORT=7443 before sh in the line, later the agent's flag --data-port. To any other the "
             "portal relays.")
TRAIN = "EDGEPORTAL_AGENT_TRAIN=1 before sh in the line gives a board torch, with which it can take part in federated learning."


class BoardForm(forms.Form):
    boards = forms.IntegerField(label="How many boards", min_value=1, max_value=enrolment.MOST_BOARDS, initial=1,
                                help_text=f"One code for all of them, 1 to {enrolment.MOST_BOARDS}. {TRAIN}")
    tier = forms.ChoiceField(label="Stands", choices=[(tier.value, word) for tier, word in PLACES.items()], initial=Tier.DEVICE,
                             help_text=f"How far from the sensor. {DATA_PORT}")
    location = forms.CharField(required=False, max_length=120, help_text="Where to find it, e.g. lab 2, shelf B.")
    labels = forms.CharField(required=False, max_length=1000, help_text="Words to find it by, e.g. lab2 quiet. " + labels.FORM)

    def clean_labels(self) -> list[str]:
        try:
            return labels.words(seen(self.cleaned_data["labels"]))
        except ValueError as wrong:
            raise forms.ValidationError(str(wrong)) from None

    def clean_location(self) -> Any:
        return seen(self.cleaned_data["location"])
