"""The planner's page: where should it run? All of what is looked at stands in the address."""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import teams
from apps.accounts.models import Team
from apps.accounts.refusal import Refused
from apps.live.tables import Table
from apps.plans import actions, example
from apps.plans.asking_page import as_json, no_table, outcome, problem, topic
from apps.plans.planner_reading import sheet, with_faults
from apps.plans.planner_shown import Looked, address, asked, context, relays_of
from apps.plans.planner_table import HEAD, rows
from apps.plans.wanted import Wanted
from apps.plans.wire import with_relays

NOT_KNOWN = "No device that can be used has block times of this network: profile one, or bring a file."


@require_safe
def planner(request: HttpRequest) -> HttpResponse:
    """The page, with the answer in it; a form that was sent without JavaScript gets an address of its own."""
    team = teams.current(request)
    if team is None:
        return render(request, "plans/planner.html", {"no_team": teams.NONE_YET})
    if "form" in request.GET or "drop" in request.GET:
        found = sheet(teams.person(request), team, request.GET)
        if not found.faults:
            return redirect(f"{reverse('planner')}?{address(found)}")
    looked = look(request, team)
    return render(request, "plans/planner.html", context(request, team, looked),
                  status=422 if looked.sheet.faults else 200)


@require_safe
def part(request: HttpRequest) -> HttpResponse:
    """What changes while a slider moves, or with `all` the form too. What is wrong stands in it: who asks is the page.

    204: a newer question of the same tab came meanwhile, and nothing else.
    """
    team = teams.current(request)
    if team is None:
        return problem(403, teams.NONE_YET)
    is_whole = request.GET.get("part") == "all"
    looked = look(request, team, listed=is_whole)
    if looked.late:
        return HttpResponse(status=204)
    template = "plans/_planner.html" if is_whole else "plans/_planner_part.html"
    return render(request, template, context(request, team, looked))


@require_safe
def answer(request: HttpRequest) -> HttpResponse:
    """The same for programs: an AnswerOut; 422 with what is wrong field by field, 503 when the planner does not answer."""
    team = teams.current(request)
    if team is None:
        return problem(403, teams.NONE_YET)
    looked = look(request, team)
    faults = looked.sheet.faults or ({} if looked.sheet.known else {"network": NOT_KNOWN})
    found = with_relays(looked.answer, relays_of(looked)) if looked.answer else None
    return as_json(found, faults, looked.too_long)


@require_safe
def table(request: HttpRequest) -> HttpResponseBase:
    """All plans with their parts, and what runs on one device alone."""
    team = teams.current(request)
    looked = look(request, team) if team else None
    if looked is None or looked.answer is None:
        return no_table(bool(looked and looked.silent), looked.too_long if looked else "")
    return Table(f"plans of {looked.sheet.network}", HEAD, rows(looked.answer, relays_of(looked)))


@require_POST
def bring_example(request: HttpRequest) -> HttpResponse:
    """Three emulated devices and a network on them, for a team that knows of nothing yet."""
    user, team = teams.person(request), teams.current(request)
    if team is None or not teams.may_edit(user, team):
        raise PermissionDenied
    try:
        network = example.bring(user, team)
    except Refused as refused:
        messages.error(request, " ".join(refused.errors.values()))
        return redirect("planner")
    messages.success(request, "Three example devices are there. Their times are emulated: computed, not measured. Retire them "
                              "when you have your own.")
    return redirect(f"{reverse('planner')}?{urlencode({'network': network})}")


def look(request: HttpRequest, team: Team, *, listed: bool = True) -> Looked:
    """Read what the address says and ask; whatever is wrong is kept with the form."""
    user = teams.person(request)
    found = sheet(user, team, request.GET, listed=listed)
    if not found.known or found.faults:
        return Looked(found)
    try:
        wanted = Wanted.from_query(asked(found.query))
        return Looked(found, wanted, **outcome(
            lambda: actions.ask(user, team, wanted, topic=topic(request, "planner"), known=found.known)))
    except Refused as refused:
        return Looked(with_faults(found, refused.errors))
