"""Turning the second step on: it ends with the recovery codes before one's eyes."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.base.views import IndexView
from allauth.mfa.totp.views import ActivateTOTPView
from django.conf import settings
from django.http import HttpResponse


class Overview(IndexView):  # type: ignore[misc]
    """allauth's page, which says too what the second step does not guard."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "is_local": settings.LOCAL}


class TurnOn(ActivateTOTPView):  # type: ignore[misc]
    """allauth's page. Whoever has just typed a code of the app is not asked for another before the recovery codes."""

    def form_valid(self, form: Any) -> HttpResponse:
        answer: HttpResponse = super().form_valid(form)
        record_authentication(self.request, self.request.user, "mfa", type="totp", reauthenticated=True)
        return answer
