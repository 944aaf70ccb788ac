"""The page of joint plans: which variant, cut where, with which transfer layer? All that is looked at stands in the address."""

from __future__ import annotations

from dataclasses import replace

from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from apps.accounts import teams
from apps.accounts.models import Team
from apps.accounts.refusal import Refused
from apps.live.tables import Table
from apps.plans import joint_asking
from apps.plans.asking_page import as_json, no_table, outcome, problem, topic
from apps.plans.joint_bars import HEAD, rows
from apps.plans.joint_scene import Scene, example, scene, suited
from apps.plans.joint_shown import OPENING, Looked, context, plain, relays_of
from apps.plans.joint_wanted import JointWanted
from apps.plans.planner_reading import over, with_faults
from apps.plans.wire import joint_with_relays


@require_safe
def joint(request: HttpRequest) -> HttpResponse:
    """The page, with the answer in it; a form that was sent without JavaScript gets an address of its own."""
    team = teams.current(request)
    if team is None:
        return render(request, "plans/joint.html", {"no_team": teams.NONE_YET})
    if not request.GET and not scene(teams.person(request), team).datasets:
        return redirect(f"{reverse('joint-plans')}?{OPENING}")
    is_sent = "form" in request.GET or "drop" in request.GET
    looked = look(request, team)
    if is_sent and not looked.faults:
        return redirect(f"{reverse('joint-plans')}?{looked.query}")
    return render(request, "plans/joint.html", context(teams.person(request), team, looked), status=422 if looked.faults else 200)


@require_safe
def part(request: HttpRequest) -> HttpResponse:
    """What changes while something is moved, or with `all` the form too. 204: a newer question of the same tab came meanwhile."""
    team = teams.current(request)
    if team is None:
        return problem(403, teams.NONE_YET)
    looked = look(request, team)
    if looked.late:
        return HttpResponse(status=204)
    template = "plans/_joint.html" if request.GET.get("part") == "all" else "plans/_joint_part.html"
    return render(request, template, context(teams.person(request), team, looked))


@require_safe
def answer(request: HttpRequest) -> HttpResponse:
    """The same for programs: a JointAnswerOut; 422 with what is wrong field by field, 503 when the planner does not answer."""
    team = teams.current(request)
    if team is None:
        return problem(403, teams.NONE_YET)
    looked = look(request, team)
    found = joint_with_relays(looked.answer, relays_of(looked)) if looked.answer else None
    return as_json(found, looked.faults, looked.too_long)


@require_safe
def table(request: HttpRequest) -> HttpResponseBase:
    """Every version with its accuracy and least latency, and the plans of those that nothing beats."""
    team = teams.current(request)
    looked = look(request, team) if team else None
    if looked is None or looked.answer is None:
        return no_table(bool(looked and looked.silent), looked.too_long if looked else "")
    return Table("joint plans", HEAD, rows(looked.answer, relays_of(looked)))


def look(request: HttpRequest, team: Team) -> Looked:
    """Read what the address says and ask; whatever is wrong is kept with the form. Who has nothing to plan sees the example."""
    query = request.GET.copy()
    query.pop("part", None)
    own = scene(teams.person(request), team)
    if not own.datasets:
        query["example"] = "on"
    found = example() if query.get("example") == "on" else own
    _shorten(query, found)
    found = suited(found, query.getlist("network"), query.get("dataset", ""))
    looked = Looked(found, over(query, found.devices, found.lanes), own)
    try:
        looked = replace(looked, wanted=JointWanted.from_query(plain(looked.sheet.query)))
        return _asked(looked, topic(request, "joint"))
    except Refused as refused:
        sheet = with_faults(looked.sheet, refused.errors)
        return replace(looked, sheet=sheet, faults=sheet.faults)


def _asked(looked: Looked, of: str) -> Looked:
    """Raises Refused."""
    assert looked.wanted is not None
    ready = joint_asking.ready(looked.scene, looked.wanted)
    if looked.sheet.faults:
        return replace(looked, faults=looked.sheet.faults)
    return replace(looked, **outcome(lambda: joint_asking.answered(ready, topic=of)))


def _shorten(query: QueryDict, found: Scene) -> None:
    """What is so anyway is not said: the first data set, and all networks of it."""
    dataset = query.get("dataset", "")
    if found.datasets and dataset == found.datasets[0]:
        query.pop("dataset")
    known = found.accuracies.get(dataset or next(iter(found.datasets), ""), {})
    named = query.getlist("network")
    if set(named) == {name for name in found.networks if name in known}:
        query.setlist("network", [])
