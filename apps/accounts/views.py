"""Signing in and out, the account page with its tokens, and the choice of a team."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID

from allauth.account.views import LoginView
from allauth.mfa.utils import is_mfa_enabled
from allauth.socialaccount.providers.openid_connect.views import login as to_provider
from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST, require_safe
from redis.exceptions import RedisError

from apps.accounts import answers, problems, teams, tokens
from apps.accounts.adapters import TOO_OFTEN
from apps.accounts.forms import NameForm, TokenForm
from apps.accounts.models import ApiToken, Membership, Team
from apps.accounts.refusal import Refused
from apps.accounts.secrecy import private


@method_decorator(login_not_required, name="dispatch")
class SignIn(LoginView):  # type: ignore[misc]
    """allauth's sign-in, with its limits and its second step, in our words."""

    template_name = "accounts/sign_in.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """A fragment that led here is no place for a sign-in page: the whole page goes to sign in, and comes back."""
        if request.method == "GET" and "HX-Request" in request.headers and not request.user.is_authenticated:
            there = urlsplit(request.headers.get("HX-Current-URL", ""))
            back = urlencode({"next": f"{there.path or '/'}{'?' if there.query else ''}{there.query}"})
            return HttpResponse(status=401, headers={"HX-Redirect": f"{reverse('sign-in')}?{back}"})
        try:
            answer: HttpResponse = super().dispatch(request, *args, **kwargs)
        except RedisError:
            return problems.limits_unknown(request)
        return answer

    def form_invalid(self, form: forms.Form) -> HttpResponse:
        answer: HttpResponse = super().form_invalid(form)
        if TOO_OFTEN in form.non_field_errors():
            answer.status_code, answer["Retry-After"] = 429, str(problems.WAIT_S)
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "provider": provider_name(), "is_local": settings.LOCAL}


def provider_name() -> str:
    """What the button for the organisation's own sign-in says; "" when there is none."""
    table = settings.SOCIALACCOUNT_PROVIDERS.get("openid_connect")
    return str(table["APPS"][0]["name"]) if table else ""


@login_not_required
@require_safe
def with_provider(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Off to the organisation's sign-in. Nothing but the way back is taken from the address: no account is tied by a link."""
    back = request.GET.get("next")
    request.GET = QueryDict(urlencode({"next": back}) if back else "")
    try:
        answer: HttpResponse = to_provider(request, provider_id)
    except OSError:
        return problems.provider_silent(request, provider_name())
    return answer


def account(request: HttpRequest) -> HttpResponse:
    user = teams.person(request)
    form = NameForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        user.save(update_fields=["name"])
        messages.success(request, "Your name is saved.")
        return redirect("account")
    return _account(request, 422 if form.errors else 200, form=form)


def _account(request: HttpRequest, status: int = 200, **more: Any) -> HttpResponse:
    user = teams.person(request)
    memberships = Membership.objects.filter(user=user).select_related("team").order_by("team__name")
    mine = ApiToken.objects.visible_to(user).filter(revoked=None).select_related("team")[:200]
    context = {"form": NameForm(instance=user), "token_form": TokenForm(), "memberships": memberships, "tokens": mine,
               "team": teams.current(request), "has_second_step": is_mfa_enabled(user), **more}
    return render(request, "accounts/account.html", context, status=status)


@require_POST
def make_token(request: HttpRequest) -> HttpResponse:
    """The token, once, on a page that nothing keeps."""
    team = get_object_or_404(Team.objects.visible_to(request.user), pk=_uuid(request.POST.get("team", "")))
    asked = [request.POST.get(field, "") for field in ("name", "scope", "days")]
    try:
        token, text = tokens.make(teams.person(request), team, *asked)
    except Refused as refused:
        form = answers.with_errors(TokenForm(request.POST), refused)
        return _account(request, answers.status(refused), token_form=form, team=team)
    return private(render(request, "accounts/token_made.html", {"token": token, "text": text}))


@require_POST
def end_token(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One's own, or one of the team's for its administrator."""
    user = teams.person(request)
    token = get_object_or_404(ApiToken.objects.visible_to(user) | ApiToken.objects.administered_by(user), pk=pk)
    tokens.revoke(user, token)
    messages.success(request, f"The token “{token.name}” has ended.")
    return redirect("account" if token.user_id == user.pk else "team")


@require_POST
def sign_out_elsewhere(request: HttpRequest) -> HttpResponse:
    """End every other session of this person, now."""
    user = teams.person(request)
    user.sign_outs += 1
    user.save(update_fields=["sign_outs"])
    update_session_auth_hash(request, user)
    messages.success(request, "You are signed out everywhere else.")
    return redirect("account")


@require_POST
def switch_team(request: HttpRequest) -> HttpResponse:
    chosen = request.POST.get("team", "")
    mine = {str(team.pk) for team in Team.objects.visible_to(teams.person(request))}
    if chosen not in mine:
        raise Http404
    request.session[teams.KEY] = chosen
    return redirect("home")


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Http404 from None
