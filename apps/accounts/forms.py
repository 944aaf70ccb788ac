"""Signing in, and what a person may change about themselves."""

from __future__ import annotations

from django import forms
from django.contrib.auth.forms import AuthenticationForm

from apps.accounts.models import User


class SignInForm(AuthenticationForm):
    """E-mail address and password. The message never says which of the two was wrong."""

    error_messages = {
        "invalid_login": "No account has this address with this password. Check both; capitals count in the password.",
        "inactive": "This account is switched off. Ask an administrator of your team.",
    }

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.fields["username"].label = "E-mail address"
        self.fields["username"].widget.attrs.update(autocomplete="username", inputmode="email")


class NameForm(forms.ModelForm[User]):
    """How others see you."""

    class Meta:
        model = User
        fields = ["name"]
        help_texts = {"name": "Shown beside the runs you launch."}
