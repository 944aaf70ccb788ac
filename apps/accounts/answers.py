"""How pages answer an action: the form again with what was typed and why, or the next page; 422, or 409 when things moved."""

from __future__ import annotations

from typing import TypeVar

from django import forms
from django.forms.utils import ErrorDict

from apps.accounts.refusal import Conflict, Refused

F = TypeVar("F", bound=forms.BaseForm)


def status(refused: Refused) -> int:
    return 409 if isinstance(refused, Conflict) else 422


def with_errors(form: F, refused: Refused) -> F:
    """The bound form, saying what the action said and nothing else."""
    form.full_clean()
    vars(form)["_errors"] = ErrorDict(renderer=form.renderer)
    for field, text in refused.errors.items():
        form.add_error(field if field in form.fields else None, text)
    return form
