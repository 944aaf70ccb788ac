"""The page of a team: its members and their roles, invitations, name and tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import actions, answers, invitations, resets, signing, teams
from apps.accounts.forms import InviteForm, TeamForm
from apps.accounts.models import ApiToken, Invitation, Membership, Role, Team
from apps.accounts.refusal import Refused
from apps.accounts.secrecy import private

PAGE = 50
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@require_safe
def team(request: HttpRequest) -> HttpResponse:
    """The team chosen in this session; everybody in it sees who is in it."""
    return _page(request, teams.current(request))


def _page(request: HttpRequest, here: Team | None, status: int = 200, **more: Any) -> HttpResponse:
    if here is None:
        return render(request, "accounts/no_team.html")
    user = teams.person(request)
    members = Membership.objects.filter(team=here).select_related("user").order_by("user__name", "user__email")
    context = {"team": here, "page": Paginator(members, PAGE).get_page(request.GET.get("page")), "roles": Role.choices,
               "administers": teams.administers(user, here), "invite_form": InviteForm(),
               "team_form": TeamForm(initial={"name": here.name}), "mails": bool(settings.MAIL),
               "invitations": Invitation.objects.administered_by(user).filter(team=here).pending().select_related("invited_by"),
               "signs_by": _signs_by(),
               "tokens": ApiToken.objects.administered_by(user).filter(team=here, revoked=None).select_related("user")[:200]}
    return render(request, "accounts/team.html", context | more, status=status)


def _signs_by() -> str:
    """The fingerprint of the portal's key in groups of four, to be compared by eye; or why there is none."""
    try:
        digits = signing.fingerprint()
    except Refused as why:
        return str(why)
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))


def new_team(request: HttpRequest) -> HttpResponse:
    """Anybody may make a team, and leads it."""
    form = TeamForm(request.POST or None)
    if request.method != "POST":
        return render(request, "accounts/new_team.html", {"form": form})
    try:
        made = actions.make_team(teams.person(request), request.POST.get("name", ""))
    except Refused as refused:
        form = answers.with_errors(TeamForm(request.POST), refused)
        return render(request, "accounts/new_team.html", {"form": form}, status=answers.status(refused))
    request.session[teams.KEY] = str(made.pk)
    messages.success(request, f"The team “{made}” is there. Invite the others.")
    return redirect("team")


@require_POST
def rename_team(request: HttpRequest, pk: UUID) -> HttpResponse:
    held = _administered(request, pk)
    asked = request.POST
    try:
        actions.rename_team(teams.person(request), held, asked.get("name", ""), asked.get("was"))
    except Refused as refused:
        held.refresh_from_db()
        form = answers.with_errors(TeamForm(request.POST), refused)
        return _page(request, held, answers.status(refused), team_form=form)
    messages.success(request, "The team has its new name.")
    return redirect("team")


@require_POST
def leave_team(request: HttpRequest, pk: UUID) -> HttpResponse:
    held = get_object_or_404(Team.objects.visible_to(request.user), pk=pk)
    return _do(request, held, lambda: actions.leave(teams.person(request), held), f"You have left “{held}”.", "home")


@require_POST
def change_role(request: HttpRequest, pk: int) -> HttpResponse:
    member, role = _member(request, pk), request.POST.get("role", "")
    was = request.POST.get("was")
    return _do(request, member.team, lambda: actions.change_role(teams.person(request), member, role, was),
               f"{member.user} is {role} now.")


@require_POST
def remove_member(request: HttpRequest, pk: int) -> HttpResponse:
    member = _member(request, pk)
    return _do(request, member.team, lambda: actions.remove(teams.person(request), member), f"{member.user} is out of the team.")


@require_POST
def make_reset_link(request: HttpRequest, pk: int) -> HttpResponse:
    """A link for a member who forgot the password, shown once to the administrator."""
    member = _member(request, pk)
    try:
        secret = resets.make_for_member(teams.person(request), member)
    except Refused as refused:
        return _page(request, member.team, answers.status(refused), refused=refused.errors[""])
    address = request.build_absolute_uri(reverse("reset-password", args=[secret]))
    return private(render(request, "accounts/reset_link_made.html", {"member": member.user, "address": address}))


@require_POST
def invite(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Mailed where there is a mail server; else, or when it does not take the mail, a link to hand over, shown once."""
    held = _administered(request, pk)
    asked = request.POST
    try:
        made, secret = invitations.invite(teams.person(request), held, asked.get("email", ""), asked.get("role", ""))
    except Refused as refused:
        return _page(request, held, answers.status(refused), invite_form=answers.with_errors(InviteForm(request.POST), refused))
    address = request.build_absolute_uri(reverse("invitation", args=[secret]))
    if invitations.mailed(made, address):
        messages.success(request, f"The invitation is on its way to {made.email}.")
        return redirect("team")
    shown = {"invitation": made, "address": address, "failed": bool(settings.MAIL),
             "only_here": (urlsplit(address).hostname or "") in LOOPBACK}
    return private(render(request, "accounts/invitation_made.html", shown))


@require_POST
def revoke_invitation(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = get_object_or_404(Invitation.objects.administered_by(teams.person(request)).select_related("team"), pk=pk)
    return _do(request, found.team, lambda: invitations.revoke(teams.person(request), found),
               f"The invitation of {found.email} no longer holds.")


def _do(request: HttpRequest, held: Team, action: Callable[[], object], said: str, then: str = "team") -> HttpResponse:
    """Act and go on; or the same page again, with the reason on top."""
    try:
        action()
    except Refused as refused:
        return _page(request, held, answers.status(refused), refused=next(iter(refused.errors.values())))
    messages.success(request, said)
    return redirect(then)


def _administered(request: HttpRequest, pk: UUID) -> Team:
    return get_object_or_404(Team.objects.administered_by(request.user), pk=pk)


def _member(request: HttpRequest, pk: int) -> Membership:
    """The membership, for an administrator of its team; a number that no row can have is no row."""
    if pk > 2**63 - 1:
        raise Http404
    mine = Team.objects.administered_by(request.user)
    return get_object_or_404(Membership.objects.select_related("user", "team").filter(team__in=mine), pk=pk)
