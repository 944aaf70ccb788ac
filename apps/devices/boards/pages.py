"""Adding a board: a form, one command to paste, and a panel that turns into the board as it joins; and its agent's token.

The code stands in a cookie of the browser that asked for it, for its page alone: a reload shows it, the portal keeps a hash.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import answers, teams
from apps.accounts.refusal import Refused
from apps.accounts.secrecy import private
from apps.devices import enrolment
from apps.devices.boards import tokens
from apps.devices.boards.forms import TRAIN, BoardForm
from apps.devices.certificate import fingerprint, readable
from apps.devices.join_line import join_command
from apps.devices.models import Device, Enrolment
from apps.live.models import Stream

COOKIE = "board-code"


def add(request: HttpRequest) -> HttpResponse:
    """How many boards, where they stand, what they are called by: then a code."""
    user, team = teams.person(request), teams.current(request)
    if team is None or not teams.administers(user, team):
        return render(request, "devices/add_board.html", {"form": None}, status=403)
    form = BoardForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            return _shown_once(*enrolment.make_code(user, team, **form.cleaned_data))
        except Refused as refused:
            form = answers.with_errors(form, refused)
    mine = Enrolment.objects.administered_by(user).filter(team=team, revoked=None, expires__gt=timezone.now())
    codes = mine.filter(joined__lt=F("boards")).select_related("created_by").order_by("-created")
    return render(request, "devices/add_board.html", {"form": form, "codes": codes}, status=422 if form.errors else 200)


@require_POST
def add_to_device(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A code that gives this very device a new agent: its card was replaced, or its token ended."""
    found = get_object_or_404(Device.objects.administered_by(request.user).select_related("team"), pk=pk)
    try:
        return _shown_once(*enrolment.make_code(teams.person(request), found.team, tier=found.tier, device=found))
    except Refused as refused:
        return _back(request, found, refused)


def _shown_once(made: Enrolment, text: str) -> HttpResponse:
    page = reverse("board-code", args=[made.pk])
    answer = private(redirect(page))
    answer.set_cookie(COOKIE, text, max_age=int(enrolment.LIFE.total_seconds()), path=page, httponly=True, samesite="Lax",
                      secure=settings.SESSION_COOKIE_SECURE)
    return answer


@require_safe
def code(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The command, while the code holds; the boards that have joined with it."""
    found = _administered(request, pk)
    context = _context(request, found) | {"stream": Stream.of_team(found.team)}
    return private(render(request, "devices/board_code.html", context))


@require_safe
def panel(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The part of that page which moves."""
    return private(render(request, "devices/_board_panel.html", _context(request, _administered(request, pk))))


@require_POST
def revoke_code(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = _administered(request, pk)
    try:
        enrolment.revoke(teams.person(request), found)
    except Refused as refused:
        messages.warning(request, str(refused))
    return redirect("board-code", pk=pk)


@require_POST
def replace_token(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The agent gets another token at its next beat."""
    return _acted(request, pk, tokens.ask_to_replace, "The agent gets a new token when it is heard next.")


@require_POST
def revoke_token(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _acted(request, pk, tokens.revoke, "The token has ended. The board needs a new code to join again.")


def _acted(request: HttpRequest, pk: UUID, act: Any, said: str) -> HttpResponse:
    found = get_object_or_404(Device.objects.administered_by(request.user).select_related("team"), pk=pk)
    try:
        act(teams.person(request), found)
    except Refused as refused:
        return _back(request, found, refused)
    messages.success(request, said)
    return redirect("device", pk=pk)


def _back(request: HttpRequest, device: Device, refused: Refused) -> HttpResponse:
    messages.warning(request, next(iter(refused.errors.values())))
    return redirect("device", pk=device.pk)


def _administered(request: HttpRequest, pk: UUID) -> Enrolment:
    rows = Enrolment.objects.administered_by(request.user).select_related("team", "device")
    found: Enrolment = get_object_or_404(rows, pk=pk)
    return found


def _context(request: HttpRequest, found: Enrolment) -> dict[str, Any]:
    text = request.COOKIES.get(COOKIE, "") if found.is_open else ""
    # Only what this page made is shown: a cookie may hold anything.
    mine = text.startswith(found.prefix) and len(text) < 20 and text.replace("-", "").isalnum()
    agents = found.agents.select_related("device").order_by("created")[:enrolment.MOST_BOARDS]
    left = max(0, int((found.expires - timezone.now()).total_seconds()))
    return {"code": found, "command": join_command(request, text) if mine else "", "left_min": -(-left // 60),
            "agents": agents, "left_boards": found.boards - found.joined, "fingerprint": readable(fingerprint()), "trains": TRAIN}
