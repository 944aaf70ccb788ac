"""Forms that keep what was typed; what it means is judged by the actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from apps.portfolios.asking import datasets_of, devices_of, metrics_of, typed
from apps.portfolios.models import Comparison, Criterion, Portfolio


class Kept(forms.Form):
    """A form that an action may still refuse."""

    def refuse(self, errors: Mapping[str, str]) -> None:
        """Put a refusal where the person looks: at the field, else (as for a hidden one) above the form."""
        seen = {field.name for field in self.visible_fields()}
        for field, message in errors.items():
            self.add_error(field if field in seen else None, message)


class NameForm(Kept):
    name = forms.CharField(max_length=120, label="Name", help_text="What ships, and where: “Doorbell, winter release”.")
    description = forms.CharField(max_length=2000, required=False, label="Description", widget=forms.Textarea({"rows": 3}))
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)


class CriterionForm(Kept):
    metric = forms.ChoiceField(label="Metric")
    comparison = forms.ChoiceField(label="Must be", choices=Comparison.choices)
    bound = forms.CharField(max_length=40, label="Bound")
    device = forms.ChoiceField(required=False, label="Measured on")
    dataset = forms.ChoiceField(required=False, label="Data set")
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, portfolio: Portfolio, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known = metrics_of(portfolio)
        held: Any = self.initial
        offered = {"metric": [(name, f"{each.words}{f', {each.unit}' if each.unit != each.words else ''}")
                              for name, each in self.known.items()],
                   "device": _offered("any device", devices_of(portfolio), held.get("device")),
                   "dataset": _offered("any data set", datasets_of(portfolio), held.get("dataset"))}
        for name, choices in offered.items():
            self.fields[name].choices = choices  # type: ignore[attr-defined]

    @property
    def meanings(self) -> dict[str, dict[str, str]]:
        """What the page's script must know of each metric: its unit, its usual side, what it depends on."""
        return {name: {"unit": each.unit, "comparison": each.comparison, "depends": each.depends}
                for name, each in self.known.items()}


class CommentForm(Kept):
    text = forms.CharField(label="Comment", widget=forms.Textarea({"rows": 3}), strip=False)
    criterion = forms.CharField(required=False, widget=forms.HiddenInput)
    variant = forms.CharField(required=False, widget=forms.HiddenInput)


class DecisionForm(Kept):
    version = forms.IntegerField(widget=forms.HiddenInput)
    text = forms.CharField(required=False, label="What you say to it", widget=forms.Textarea({"rows": 3}), strip=False)
    although = forms.IntegerField(required=False, widget=forms.HiddenInput)


def of_criterion(criterion: Criterion, seen: int) -> dict[str, Any]:
    """A criterion as its form begins."""
    return {"metric": criterion.metric, "comparison": criterion.comparison, "bound": f"{typed(criterion):.12g}",
            "device": criterion.device, "dataset": criterion.dataset, "seen": seen}


def _offered(nothing: str, names: list[str], held: str | None) -> list[tuple[str, str]]:
    """The choices; what is chosen already stays one of them."""
    return [("", nothing), *((name, name) for name in sorted({*names, *([held] if held else [])}))]
