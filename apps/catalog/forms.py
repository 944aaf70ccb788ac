"""The forms of the catalogue: what a file holds, and names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django import forms

from apps.accounts.refusal import Refused
from worker import architectures, budgets
from worker.wording import point_hint

SHAPE = re.compile(r"\s*(\d{1,5})\s*[x×,* ]\s*(\d{1,5})\s*[x×,* ]\s*(\d{1,5})\s*")
FOOTAGE = re.compile(r"\s*(\d{1,5})\s*[x×*]\s*(\d{1,5})\s*(?:px)?\s*(?:at|@|,)\s*(\d{1,4}(?:\.\d{1,6})?)\s*(?:frames/s|fps)?\s*")
UNIT = re.compile(r"\s*[KMG]?B\s*$", re.IGNORECASE)
MOST_BUDGET_BYTES = 1e12  # as the forms of training take
BY_ITSELF = "the file says so itself"


class Refusing(forms.Form):
    """A form that shows what an action refused, at its fields."""

    def refuse(self, refused: Refused) -> None:
        for field, text in refused.errors.items():
            self.add_error(field if field in self.fields else None, text)


class SizeForm(Refusing):
    """What pictures of differing sizes are to be brought to."""

    in_shape = forms.CharField(required=False, label="Bring pictures to", max_length=40,
                               help_text="channels × height × width, as 3x32x32")

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


class FootageForm(Refusing):
    """How large the picture of a video is, and how many frames a second it has."""

    footage = forms.CharField(required=False, label="Picture and frame rate", max_length=60,
                              help_text="of recorded detections without seqinfo.ini, as 1920x1080 at 30")

    def clean_footage(self) -> list[float] | None:
        text = self.cleaned_data["footage"]
        if not text.strip():
            return None
        found = FOOTAGE.fullmatch(text)
        if not found:
            raise forms.ValidationError("must be width and height in px and frames a second, as 1920x1080 at 30")
        width, height, fps = found.groups()
        return [int(width), int(height), float(fps)]

    def options(self) -> dict[str, Any]:
        """What was filled in."""
        return {"footage": said} if (said := self.cleaned_data["footage"]) else {}


class DataForm(SizeForm, FootageForm):
    """What may be said of data before it is sent."""

    field_order = ("in_shape", "footage")


class ContentForm(SizeForm):
    """What a file of a network holds, as far as it does not say so itself."""

    field_order = ("architecture", "in_shape", "classes", "as_new")
    architecture = forms.ChoiceField(required=False, help_text="Whose weights these are.")
    classes = forms.IntegerField(required=False, min_value=1, max_value=1 << 20, help_text="Found out where the weights tell.")
    as_new = forms.BooleanField(required=False, label="As a model of its own",
                                help_text="Not as a variant of the model it was sent to.")

    def __init__(self, *args: Any, is_variant: bool = False, has_architecture: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not is_variant:
            del self.fields["as_new"]
        self.fields["in_shape"].label = "Images"
        choices = [("", BY_ITSELF), *((name, name) for name in architectures.names())]
        self.fields["architecture"].choices = choices  # type: ignore[attr-defined]
        if has_architecture:
            del self.fields["architecture"]


class FreshForm(SizeForm):
    """A network that no file brings: which architecture, for which images and classes."""

    field_order = ("architecture", "dataset", "name", "in_shape", "classes", "width", "seed")
    architecture = forms.ChoiceField(help_text="Behind it the least images that it takes.")
    dataset = forms.ChoiceField(required=False, label="Data set", help_text="It says how large the images are and how many "
                                                                            "classes there are.")
    name = forms.CharField(required=False, max_length=120, help_text="After the architecture and the data set when empty.")
    classes = forms.IntegerField(required=False, help_text="Those of the data set when empty.")
    width = forms.FloatField(required=False, widget=forms.NumberInput(attrs={"step": "any"}),
                             help_text="Times the channels of every layer: 1 as in the paper, 0.5 half as wide; at most 4.")
    seed = forms.IntegerField(required=False, help_text="The same seed draws the same weights.")

    def __init__(self, *args: Any, datasets: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["in_shape"].label = "Images"
        self.fields["in_shape"].help_text = "Channels × height × width, as 3x32x32; those of the data set when empty."
        sides = {name: architectures.least_side(name) for name in architectures.names()}
        self.fields["architecture"].choices = [(name, f"{name} · from {side}×{side}")  # type: ignore[attr-defined]
                                               for name, side in sides.items()]
        self.fields["dataset"].choices = [("", "none of these: said below"), *datasets]  # type: ignore[attr-defined]

    @property
    def essentials(self) -> list[forms.BoundField]:
        return [self[name] for name in ("architecture", "dataset", "name")]

    @property
    def others(self) -> list[forms.BoundField]:
        return [self[name] for name in ("in_shape", "classes", "width", "seed")]

    @property
    def others_are_needed(self) -> bool:
        """Whether one of them is filled in, or has an error, so that they must be seen."""
        return not self["dataset"].value() or any(field.errors for field in self.others)


class NamesForm(Refusing):
    """A model's or a data set's name and description."""

    name = forms.CharField(max_length=120)
    description = forms.CharField(required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))


class VariantForm(Refusing):
    name = forms.CharField(max_length=120)


class SlicesForm(Refusing):
    """Behind which layer a network is cut."""

    after = forms.CharField(max_length=200, required=False, label="Cut behind", widget=forms.Select,
                            help_text="Head and tail become two ONNX files; the tail takes what the head answers.")

    def __init__(self, typed: Any = None, places: Sequence[str] = ()) -> None:
        super().__init__(typed, auto_id="slices_%s")
        self.places = places
        wished = typed.get("after", "")[:200] if typed else ""
        shown = places if not wished or wished in places else [wished, *places]
        self.fields["after"].widget.choices = [(name, name) for name in shown]


class BudgetForm(Refusing):
    """The bytes that training may take at once, and of which variant; of the first one where none is said."""

    field_order = ("variant", "budget")
    variant = forms.ChoiceField(label="Variant", required=False,
                                error_messages={"invalid_choice": "is none of this model that can be trained; got %(value)s"})
    budget = forms.CharField(
        label="Memory budget", help_text="130MB, 1.5GB or 500kB, of 1,000 each; a number alone is in MB.",
        widget=forms.TextInput({"autocomplete": "off"}),
        error_messages={"required": budgets.NEEDED.format(most=f"{MOST_BUDGET_BYTES / budgets.MB:,.0f}")})

    def __init__(self, *args: Any, variants: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["variant"].choices = variants  # type: ignore[attr-defined]

    def clean_budget(self) -> int:
        text = self.cleaned_data["budget"]
        try:
            return budgets.bytes_of(text, most=MOST_BUDGET_BYTES)
        except ValueError as wrong:
            hint = point_hint(UNIT.sub("", text))
            raise forms.ValidationError(f"{wrong}; {hint}" if hint else str(wrong)) from None
