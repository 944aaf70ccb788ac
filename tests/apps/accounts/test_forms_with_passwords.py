"""A refused form says what is kept of it: everything but passwords."""

from __future__ import annotations

from django import forms
from django.template.loader import render_to_string


class Asked(forms.Form):
    name = forms.CharField()


class Guarded(Asked):
    password = forms.CharField(widget=forms.PasswordInput)
    again = forms.CharField(widget=forms.PasswordInput)


def test_a_form_with_passwords_says_that_they_are_not_kept() -> None:
    said = render_to_string("_errors.html", {"form": Guarded({"name": "", "password": "x"})})
    assert said.count("Everything you typed is kept, but for passwords: type them again.") == 1


def test_another_form_keeps_everything_and_says_just_that() -> None:
    assert "Everything you typed is kept.</b>" in render_to_string("_errors.html", {"form": Asked({"name": ""})})
