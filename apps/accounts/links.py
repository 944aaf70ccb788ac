"""The sign-in link of a local installation: single use, ten minutes, loopback only, kept as a hash."""

from __future__ import annotations

import ipaddress
from datetime import timedelta

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET

from apps.accounts.models import SignInLink, User
from apps.accounts.secrecy import digest, fresh

LIFE = timedelta(minutes=10)


def make(user: User, next_page: str = "/") -> str:
    """A fresh secret for this person; the database keeps its SHA-256 only."""
    SignInLink.objects.filter(expires__lt=timezone.now() - timedelta(days=1)).delete()
    secret, kept = fresh()
    SignInLink.objects.create(digest=kept, user=user, next=next_page, expires=timezone.now() + LIFE)
    return secret


@login_not_required
@require_GET
def enter(request: HttpRequest, secret: str) -> HttpResponse:
    """Sign the holder in, once. Anything wrong is the same page: ask for another with `make link`."""
    if not (settings.LOCAL and _is_loopback(request)):
        raise Http404
    link = _take(secret)
    if link is None:
        return _private(render(request, "accounts/link_spent.html", status=410))
    login(request, link.user, backend=settings.AUTHENTICATION_BACKENDS[0])
    safe = url_has_allowed_host_and_scheme(link.next, allowed_hosts=None)
    return _private(redirect(link.next if safe else "/"))


def _take(secret: str) -> SignInLink | None:
    """Claim the link by one conditional update: two visitors with one link cannot both pass."""
    unused = SignInLink.objects.filter(digest=digest(secret), used=None, expires__gt=timezone.now())
    if not unused.update(used=timezone.now()):
        return None
    return SignInLink.objects.select_related("user").get(digest=digest(secret))


def _is_loopback(request: HttpRequest) -> bool:
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def _private(response: HttpResponse) -> HttpResponse:
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "no-store"
    return response
