"""Signing in, passwords and codes, and what a person may change about themselves."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import ChangePasswordForm as AllauthChange
from allauth.account.forms import LoginForm, SetPasswordForm
from allauth.account.forms import ReauthenticateForm as AllauthConfirm
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.base.forms import ReauthenticateForm as AllauthConfirmCode
from allauth.mfa.totp.forms import ActivateTOTPForm
from django import forms
from django.contrib.auth.password_validation import password_validators_help_texts, validate_password

from apps.accounts.models import Role, Scope, User
from apps.accounts.tokens import LIVES
from apps.accounts.words import plain

# Django's own hashing reads every byte: a password of megabytes would keep a process busy.
LONGEST_PASSWORD = 1000
CODE = {"autocomplete": "one-time-code", "inputmode": "text", "autocapitalize": "characters", "spellcheck": "false"}


def _plain(form: forms.Form, **labels: str) -> None:
    """Our labels; no placeholder, which would vanish while typing; a bound on what is typed; the first field is typed into."""
    for name, field in form.fields.items():
        field.label = labels.get(name, field.label)
        field.help_text = ""
        field.widget.attrs.pop("placeholder", None)
        if isinstance(field, forms.CharField) and field.max_length is None:
            field.max_length = LONGEST_PASSWORD
            field.widget.attrs["maxlength"] = str(LONGEST_PASSWORD)
            field.validators.append(forms.CharField(max_length=LONGEST_PASSWORD).validators[0])


class SignInForm(LoginForm):  # type: ignore[misc]
    """E-mail address and password. The message never says which of the two was wrong."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self, login="E-mail address", password="Password")
        self.fields["login"].widget.attrs.update(autocomplete="username", inputmode="email")


class ConfirmForm(AllauthConfirm):  # type: ignore[misc]
    """The password once more, before something that matters."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self, password="Your password")


class ChangePasswordForm(AllauthChange):  # type: ignore[misc]
    """The old one, and the new one twice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self, oldpassword="Your password now", password1="New password", password2="New password again")
        self.fields["password1"].help_text = password_help()


class FirstPasswordForm(SetPasswordForm):  # type: ignore[misc]
    """For who signs in without one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self, password1="Choose a password", password2="The same password again")
        self.fields["password1"].help_text = password_help()


class CodeForm(AuthenticateForm):  # type: ignore[misc]
    """The second step of signing in."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self, code="Code from your app, or a recovery code")
        self.fields["code"].widget.attrs.update(CODE)


class ConfirmCodeForm(AllauthConfirmCode):  # type: ignore[misc]
    """A code once more, before something that matters."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self, code="Code from your app, or a recovery code")
        self.fields["code"].widget.attrs.update(CODE)


class AppForm(ActivateTOTPForm):  # type: ignore[misc]
    """The first code of an authenticator app."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self, code="The code that the app shows now")
        self.fields["code"].widget.attrs.update(CODE)


def _name(typed: str, *, needed: bool) -> str:
    """A person's name as others will see it."""
    wrong: dict[str, str] = {}
    name = plain("name", typed, User._meta.get_field("name").max_length or 0, wrong, needed)
    if wrong:
        raise forms.ValidationError(wrong["name"])
    return name


def password_help() -> str:
    return " ".join(password_validators_help_texts()[:2])


class NameForm(forms.ModelForm[User]):
    """How others see you."""

    class Meta:
        model = User
        fields = ["name"]
        help_texts = {"name": "Shown beside the runs you launch."}

    def clean_name(self) -> str:
        return _name(self.cleaned_data["name"], needed=False)


class PasswordForm(forms.Form):
    """A new password, held to the house's rules for the person who will use it."""

    password = forms.CharField(label="New password", strip=False, max_length=LONGEST_PASSWORD,
                               widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["password"].help_text = password_help()

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        self.user.name = self.cleaned_data.get("name", self.user.name)
        validate_password(password, self.user)
        return password


class NewPersonForm(PasswordForm):
    """Who was invited and has no account yet."""

    name = forms.CharField(label="Your name", max_length=120, help_text="Shown beside what you do.",
                           widget=forms.TextInput(attrs={"autocomplete": "name"}))
    field_order = ("name", "password")

    def clean_name(self) -> str:
        return _name(self.cleaned_data["name"], needed=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].label = "Choose a password"


class AddressForm(forms.Form):
    """Whose password is forgotten."""

    email = forms.EmailField(label="E-mail address", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "username"}))


class InviteForm(forms.Form):
    """Whom to invite; what is wrong with it the action says."""

    email = forms.CharField(label="E-mail address", required=False,
                            widget=forms.TextInput(attrs={"type": "email", "autocomplete": "off", "inputmode": "email"}))
    role = forms.ChoiceField(label="Role", choices=Role.choices, required=False, initial=Role.MEMBER,
                             help_text="A viewer looks; a member also uploads, launches and changes; a reviewer also decides on "
                                       "portfolios; an admin also changes who is in the team.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "invite_%s", **kwargs})


class TeamForm(forms.Form):
    """A team's name."""

    name = forms.CharField(label="Name", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "team_%s", **kwargs})


class TokenForm(forms.Form):
    """What a token is for, what it may do, and for how long."""

    name = forms.CharField(label="What is it for?", required=False, help_text="For example: nightly benchmark.")
    scope = forms.ChoiceField(label="It may", choices=[(each.value, each.label.partition(":")[0]) for each in Scope],
                              required=False, initial=Scope.READ,
                              help_text="Read looks; write also launches and changes; review also decides; admin also changes "
                                        "who is in the team. Never more than your own role.")
    days = forms.ChoiceField(label="Lifetime", choices=list(LIVES.items()), required=False, initial="90")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"auto_id": "token_%s", **kwargs})
