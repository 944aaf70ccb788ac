"""Fields that take one of a few values, or several of them to be tried: a parameter's words, the networks that have profiles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.accounts.models import Team, User
from apps.experiments import evidence
from worker.wording import counted

NONE_KNOWN = "no device has a profile yet"


def one_of(value: Any) -> Any:
    return (value[0] if value else None) if isinstance(value, list) else value


class Choice(forms.Select):
    """A choice of one, with boxes under it for those who want to try several; `words` say of what."""

    words = ""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        one, more = data.get(name), data.getlist(f"{name}-also") if hasattr(data, "getlist") else []
        return [one, *(value for value in more if value != one)] if one and more else one

    def format_value(self, value: Any) -> Any:
        return super().format_value(one_of(value))

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        chosen = set(map(str, value)) if isinstance(value, list) else set()
        boxes = format_html_join("", '<label><input type="checkbox" name="{0}-also" value="{1}"{2}> {1}</label>', (
            (name, choice, SafeString(" checked") if str(choice) in chosen else "") for choice, _ in self.choices if choice))
        return format_html('<div class="choice">{}<details class="also"{}><summary>or several</summary>'
                           '<fieldset><legend class="unseen">try several of {}</legend>{}</fieldset></details></div>',
                           super().render(name, value, attrs, renderer), SafeString(" open") if chosen else "",
                           self.words or name.replace("_", " "), boxes)


class ChoiceField(forms.ChoiceField):
    """One of the choices, or several of them."""

    widget = Choice

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.widget.words = given.get("label") or ""

    def to_python(self, value: Any) -> Any:
        one = super().to_python
        return [one(each) for each in value] if isinstance(value, list) else one(value)

    def validate(self, value: Any) -> None:
        for each in value if isinstance(value, list) else [value]:
            super().validate(each)


class NetworkField(ChoiceField):
    """A network by the name that profiles call it; of very many the commonest are offered, and any is taken."""

    user: User
    team: Team | None

    def valid_value(self, value: Any) -> bool:
        return super().valid_value(value) or evidence.is_profiled(self.user, self.team, str(value))


def network_field(user: User, team: Team | None, common: Mapping[str, Any]) -> NetworkField:
    known = evidence.networks(user, team)
    none = "choose a network" if known else NONE_KNOWN
    said = {"required": "choose a network",
            "invalid_choice": "%(value)s has no profile on a device that can be used; choose another"}
    field = NetworkField(choices=[("", none), *((name, f"{name} · {counted(count, 'device')}") for name, count in known)],
                         error_messages=said, **common)
    field.user, field.team = user, team
    return field
