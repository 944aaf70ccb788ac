"""How django-allauth does things in this house: nobody signs up, people are known by invitation, words are ours."""

from __future__ import annotations

from typing import Any, ClassVar

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from apps.accounts import invitations
from apps.accounts.models import User

WRONG_PAIR = "No account has this address with this password. Check both; capitals count in the password."
TOO_OFTEN = "Too many attempts that did not fit. Wait five minutes, then try again; nothing is lost."


class Accounts(DefaultAccountAdapter):  # type: ignore[misc]
    """Signing in by e-mail address and password."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": WRONG_PAIR,
        "too_many_login_attempts": TOO_OFTEN,
        "incorrect_password": "This is not your password. Capitals count.",
        "enter_current_password": "This is not your password. Capitals count.",
        "rate_limited": TOO_OFTEN,
    }
    QUIET = ("account/messages/logged_in.txt", "account/messages/logged_out.txt")

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account")

    def add_message(self, request: HttpRequest, level: int, message_template: str | None = None, *args: Any,
                    **kwargs: Any) -> None:
        """Signing in and out show themselves; other messages are worth a line."""
        if message_template not in self.QUIET:
            super().add_message(request, level, message_template, *args, **kwargs)


class TwoSteps(DefaultMFAAdapter):  # type: ignore[misc]
    """The second step: a code from an app, or one of the recovery codes."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "This code does not fit. A code lives for half a minute and works once; take the one shown now.",
    }


class Provider(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Signing in through the organisation's provider: known people and invited addresses, once it has proved the address."""

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Whoever is neither known nor invited is turned away here, before anything is written."""
        if request.user.is_authenticated and sociallogin.user != request.user:
            raise ImmediateHttpResponse(_refused(request, "You are signed in here as somebody else. Sign out first."))
        if sociallogin.is_existing:
            self._tell_of_the_password(request, sociallogin)
        elif not (address := proved(sociallogin)):
            raise ImmediateHttpResponse(_refused(
                request, "Your organisation's sign-in does not say that it has verified your e-mail address, so it cannot let "
                         "you in here. Ask whoever runs it."))
        elif not invitations.waiting_for(address):
            raise ImmediateHttpResponse(_refused(
                request, f"Nobody here has invited {address} yet. Ask an administrator of your team for an invitation to this "
                         "address, then sign in again."))

    def authenticate_by_email(self, sociallogin: SocialLogin) -> Any:
        """Only the word true proves an address; some providers send the text "false"."""
        sociallogin.email_addresses = [found for found in sociallogin.email_addresses if found.verified is True]
        return super().authenticate_by_email(sociallogin)

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return invitations.waiting_for(proved(sociallogin))

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> User:
        """Only what the provider has proved, in our spelling; nothing else of its claims reaches the row."""
        user: User = sociallogin.user
        user.email, user.name = proved(sociallogin), str(data.get("name") or "").replace("\x00", "")[:120]
        return user

    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> User:
        user: User = super().save_user(request, sociallogin, form)
        invitations.join_all(user)
        return user

    def on_authentication_error(self, request: HttpRequest, provider: Any, *args: Any, **kwargs: Any) -> None:
        raise ImmediateHttpResponse(_refused(
            request, "The sign-in at your organisation did not come to an end: it was cancelled, took too long, or does not "
                     "answer. Nothing has changed; try again.", 401))

    def _tell_of_the_password(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """allauth ends a password that was set before the address was proved: somebody else may have set it."""
        if sociallogin._did_authenticate_by_email and sociallogin.user.has_usable_password():
            messages.info(request, "You signed in through your organisation for the first time. Your old password here has "
                                   "ended; set a new one on your account page if you want one.")


def proved(sociallogin: SocialLogin) -> str:
    """The address that the provider says it has verified, in lower case; "" when it does not."""
    return next((found.email.lower() for found in sociallogin.email_addresses if found.verified is True), "")


def _refused(request: HttpRequest, why: str, status: int = 403) -> HttpResponse:
    name = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]["name"]
    return render(request, "accounts/provider_refused.html", {"why": why, "provider": name}, status=status)
