"""Signing in and out, the account page and the choice of a team."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode, urlsplit

from django.contrib import messages
from django.contrib.auth.views import LoginView
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.accounts import teams
from apps.accounts.forms import NameForm, SignInForm
from apps.accounts.models import Membership, Team


class SignIn(LoginView):
    """Django's sign-in with our words; it is exempt from LoginRequiredMiddleware itself."""

    template_name = "accounts/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """A fragment that led here is no place for a sign-in page: the whole page goes to sign in, and comes back."""
        if "HX-Request" in request.headers:
            there = urlsplit(request.headers.get("HX-Current-URL", ""))
            back = urlencode({"next": f"{there.path or '/'}{'?' if there.query else ''}{there.query}"})
            return HttpResponse(status=401, headers={"HX-Redirect": f"{reverse('sign-in')}?{back}"})
        return super().get(request, *args, **kwargs)


def account(request: HttpRequest) -> HttpResponse:
    user = teams.person(request)
    form = NameForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        user.save(update_fields=["name"])
        messages.success(request, "Your name is saved.")
        return redirect("account")
    memberships = Membership.objects.filter(user=user).select_related("team").order_by("team__name")
    return render(request, "accounts/account.html", {"form": form, "memberships": memberships})


@require_POST
def switch_team(request: HttpRequest) -> HttpResponse:
    chosen = request.POST.get("team", "")
    mine = {str(team.pk) for team in Team.objects.visible_to(teams.person(request))}
    if chosen not in mine:
        raise Http404
    request.session[teams.KEY] = chosen
    return redirect("home")
