"""The forms of the catalogue: what a file holds, and names."""

from __future__ import annotations

import re
from typing import Any

from django import forms

from apps.accounts.refusal import Refused
from worker import architectures

SHAPE = re.compile(r"\s*(\d{1,5})\s*[x×,* ]\s*(\d{1,5})\s*[x×,* ]\s*(\d{1,5})\s*")
BY_ITSELF = "the file says so itself"


class Refusing(forms.Form):
    """A form that shows what an action refused, at its fields."""

    def refuse(self, refused: Refused) -> None:
        for field, text in refused.errors.items():
            self.add_error(field if field in self.fields else None, text)


class ContentForm(Refusing):
    """What a file of a network holds, as far as it does not say so itself."""

    architecture = forms.ChoiceField(required=False, help_text="Whose weights these are.")
    in_shape = forms.CharField(required=False, label="Images", max_length=40, help_text="channels × height × width, as 3x32x32")
    classes = forms.IntegerField(required=False, min_value=1, max_value=1 << 20, help_text="Found out where the weights tell.")
    as_new = forms.BooleanField(required=False, label="As a model of its own",
                                help_text="Not as a variant of the model it was sent to.")

    def __init__(self, *args: Any, is_variant: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not is_variant:
            del self.fields["as_new"]
        choices = [("", BY_ITSELF), *((name, name) for name in architectures.names())]
        self.fields["architecture"].choices = choices  # type: ignore[attr-defined]

    def clean_in_shape(self) -> list[int] | None:
        text = self.cleaned_data["in_shape"]
        if not text.strip():
            return None
        found = SHAPE.fullmatch(text)
        if not found:
            raise forms.ValidationError("must be three whole numbers, as 3x32x32")
        return [int(side) for side in found.groups()]

    def options(self) -> dict[str, Any]:
        """What was filled in."""
        said = {name: value for name, value in self.cleaned_data.items() if name != "as_new"}
        return {name: value for name, value in said.items() if value not in ("", None)}


class NamesForm(Refusing):
    """A model's or a data set's name and description."""

    name = forms.CharField(max_length=120)
    description = forms.CharField(required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))


class VariantForm(Refusing):
    name = forms.CharField(max_length=120)
