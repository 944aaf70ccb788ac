"""Pages for people who are not in yet: an invitation, a forgotten password, a new one."""

from __future__ import annotations

from allauth.core import ratelimit
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from redis.exceptions import RedisError

from apps.accounts import invitations, problems, resets, teams
from apps.accounts.forms import AddressForm, NewPersonForm, PasswordForm
from apps.accounts.models import Invitation, User
from apps.accounts.refusal import Conflict
from apps.accounts.secrecy import private


@login_not_required
def invitation(request: HttpRequest, secret: str) -> HttpResponse:
    """What is offered depends on who holds the link; that it is used, revoked, over or invented looks the same."""
    found = invitations.opened(secret)
    if found is None:
        return _spent(request)
    try:
        answer = _for_somebody(request, found) if request.user.is_authenticated else _for_a_visitor(request, found)
    except Conflict as refused:
        answer = render(request, "accounts/invitation_refused.html", {"why": refused.errors[""], "invitation": found}, status=409)
    return private(answer)


def _for_somebody(request: HttpRequest, found: Invitation) -> HttpResponse:
    user = teams.person(request)
    if request.method == "POST" or user.email != found.email:
        return _joined(request, user, found)
    return render(request, "accounts/invitation.html", {"invitation": found})


def _for_a_visitor(request: HttpRequest, found: Invitation) -> HttpResponse:
    if User.objects.filter(email=found.email).exists():
        return render(request, "accounts/invitation.html", {"invitation": found, "has_account": True})
    form = NewPersonForm(request.POST or None, user=User(email=found.email))
    if request.method != "POST" or not form.is_valid():
        status = 422 if request.method == "POST" else 200
        return render(request, "accounts/invitation.html", {"invitation": found, "form": form}, status=status)
    try:
        with transaction.atomic():
            user = User.objects.create_user(found.email, form.cleaned_data["password"], name=form.cleaned_data["name"])
            invitations.accept(user, found)
    except IntegrityError:
        raise Conflict({"": "This address has an account by now. Sign in, then open the link again."}) from None
    login(request, user, backend=settings.AUTHENTICATION_BACKENDS[0])
    return _welcome(request, found)


def _joined(request: HttpRequest, user: User, found: Invitation) -> HttpResponse:
    invitations.accept(user, found)
    return _welcome(request, found)


def _welcome(request: HttpRequest, found: Invitation) -> HttpResponse:
    request.session[teams.KEY] = str(found.team_id)
    messages.success(request, f"Welcome to {found.team}.")
    return redirect("home")


@login_not_required
def forgotten(request: HttpRequest) -> HttpResponse:
    """Ask for a link by mail; the answer never tells whether the address is known. Without a mail server, whom to ask."""
    form = AddressForm(request.POST or None)
    if request.method != "POST" or not settings.MAIL:
        return render(request, "accounts/forgotten.html", {"form": form, "mails": bool(settings.MAIL)})
    if not form.is_valid():
        return render(request, "accounts/forgotten.html", {"form": form, "mails": True}, status=422)
    address = form.cleaned_data["email"].lower()
    try:
        limited = ratelimit.consume_or_429(request, action="reset_password", key=address)
    except RedisError:
        return problems.limits_unknown(request)
    if limited is not None:
        return problems.too_many(request)
    _mail_a_link(request, address)
    return render(request, "accounts/forgotten.html", {"sent_to": address})


def _mail_a_link(request: HttpRequest, address: str) -> None:
    user = User.objects.filter(email=address, is_active=True).first()
    if user is None:
        return
    link = request.build_absolute_uri(reverse("reset-password", args=[resets.make(user)]))
    resets.post(user, link)


@login_not_required
def reset_password(request: HttpRequest, secret: str) -> HttpResponse:
    """Set a new password by a link. It signs nobody in: a second step still stands between."""
    link = resets.opened(secret)
    if link is None:
        return _spent(request)
    form = PasswordForm(request.POST or None, user=link.user)
    if request.method != "POST" or not form.is_valid():
        status = 422 if request.method == "POST" else 200
        return private(render(request, "accounts/reset_password.html", {"form": form, "person": link.user}, status=status))
    try:
        resets.take(link, form.cleaned_data["password"])
    except Conflict:
        return _spent(request)
    messages.success(request, "Your new password is set. Sign in with it.")
    return private(redirect("sign-in"))


def _spent(request: HttpRequest) -> HttpResponse:
    return private(render(request, "accounts/spent.html", status=410))
