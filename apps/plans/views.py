"""Pages of saved plans: the list, one with what became of it, and what a person does there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from apps.accounts import teams
from apps.accounts.models import Team
from apps.accounts.refusal import Conflict, Refused
from apps.live.asking import Silent, TooLong
from apps.live.models import Stream
from apps.live.tables import Table
from apps.plans import actions, relays, reviewing, telling
from apps.plans.joint_wanted import JointWanted
from apps.plans.models import Freshness, Kind, SavedPlan
from apps.plans.wanted import Wanted
from apps.plans.wire import file_of

PAGE, LONGEST = 25, 100
HEAD = ("part", "device", "to", "first_block", "last_block", "first_layer", "last_layer", "ms", "bytes", "tensors", "relayed",
        "kind", "plan_latency_ms", "plan_kind")
SILENT = "The planner does not answer now, so nothing was changed. What you typed is kept: try again in a minute."


@require_safe
def plans(request: HttpRequest) -> HttpResponse:
    """All of the team, or as the address narrows them; a value that nobody knows finds nothing."""
    text, state = (request.GET.get(name, "").replace("\x00", "").strip()[:LONGEST] for name in ("q", "state"))
    rows = SavedPlan.objects.visible_to(request.user).filter(team=teams.current(request))
    found = rows.filter(name__icontains=text) | rows.filter(network__icontains=text) if text else rows
    found = found.filter(state=state) if state else found
    page = Paginator(found.select_related("saved_by").order_by("-saved_at", "id"), PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "rows": [telling.row(each) for each in page.object_list], "search": text, "chosen": state,
               "states": Freshness.choices, "is_filtered": bool(text or state), **_stream(teams.current(request))}
    part = request.htmx  # type: ignore[attr-defined]
    return render(request, "plans/_saved_list.html" if part else "plans/saved.html", context)


@require_safe
def plan(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One, as it was saved and as things stand."""
    return _page(request, _visible(request, pk))


@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """From the planner: `query` is its address, `plan` the key of the plan, `name` what it shall be called.

    With `kind` as joint the same of the page of joint plans: `plan` is the key of the version.
    """
    user, team = teams.person(request), teams.current(request)
    if team is None or not teams.may_edit(user, team):
        raise PermissionDenied
    typed = {name: request.POST.get(name, "") for name in ("query", "plan", "name", "kind")}
    try:
        wanted = (JointWanted if typed["kind"] == Kind.JOINT else Wanted).from_query(QueryDict(typed["query"]))
        made = actions.save(user, team, wanted, typed["name"], typed["plan"])
    except Refused as refused:
        return render(request, "plans/save.html", {"typed": typed, "errors": refused.errors}, status=_status(refused))
    except Silent as silent:
        return render(request, "plans/save.html", {"typed": typed, "errors": {"": _silence(silent)}}, status=503)
    messages.success(request, f"The plan is saved as “{made.name}”.")
    return redirect("plan", pk=made.pk)


@require_POST
def rename(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = _held(request, pk)
    return _done(request, found, lambda: actions.rename(teams.person(request), found, request.POST.get("name", "")),
                 "The plan has its new name.", typed_name=request.POST.get("name", ""))


@require_POST
def refresh(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The best plan takes its place; with `keep` it stays itself."""
    found, keep = _held(request, pk), request.POST.get("keep") == "on"
    said = "It is the same plan, with the numbers of now." if keep else "The best plan of now has taken its place."
    return _done(request, found, lambda: actions.refresh(teams.person(request), found, keep=keep), said)


@require_POST
def delete(request: HttpRequest, pk: UUID) -> HttpResponse:
    found = _held(request, pk)
    actions.delete(teams.person(request), found)
    messages.success(request, f"The plan “{found.name}” is deleted.")
    return redirect("plans")


@require_safe
def as_json(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What somebody takes who sets it up."""
    found = _visible(request, pk)
    answer = JsonResponse(file_of(found), json_dumps_params={"indent": 1, "allow_nan": False})
    answer["Content-Disposition"] = f'attachment; filename="plan-{found.pk}.json"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


@require_safe
def as_csv(request: HttpRequest, pk: UUID) -> Table:
    found = _visible(request, pk)
    return Table(found.name, HEAD, _lines(found))


def _lines(found: SavedPlan) -> Iterator[list[Any]]:
    plan = telling.plan_of(found.plan)
    shut = relays.of_kept([plan], found.rests_on)
    for part in telling.parts(plan):
        if part.hop is None:
            stage = part.stage
            yield ["stage", stage.device, None, stage.first, stage.last, stage.first_layer, stage.last_layer, stage.ms, None,
                   None, None, stage.kind, plan.latency_ms, plan.kind]
        else:
            hop = part.hop
            yield ["hop", hop.sender, hop.receiver, None, hop.cut, None, None, hop.ms, hop.bytes, hop.tensors,
                   hop in shut.hops, "predicted", plan.latency_ms, plan.kind]


def _done(request: HttpRequest, found: SavedPlan, act: Callable[[], object], said: str, **typed: str) -> HttpResponse:
    try:
        act()
    except Refused as refused:
        return _page(request, _visible(request, found.pk), _status(refused), errors=refused.errors, **typed)
    except Silent as silent:
        return _page(request, _visible(request, found.pk), 503, errors={"": _silence(silent)}, **typed)
    messages.success(request, said)
    return redirect("plan", pk=found.pk)


def _page(request: HttpRequest, found: SavedPlan, status: int = 200, **more: Any) -> HttpResponse:
    context = {"plan": found, "behind": reviewing.is_behind(found), **telling.whole(found), **_stream(found.team), **more,
               "may_edit": teams.may_edit(teams.person(request), found.team)}
    part = request.htmx and status == 200  # type: ignore[attr-defined]
    return render(request, "plans/_saved_now.html" if part else "plans/saved_plan.html", context, status=status)


def _silence(silent: Silent) -> str:
    return f"{silent} Nothing was changed." if isinstance(silent, TooLong) else SILENT


def _status(refused: Refused) -> int:
    return 409 if isinstance(refused, Conflict) or "" in refused.errors else 422


def _stream(team: Team | None) -> dict[str, Any]:
    """Where the team speaks and how far it was; a team that never spoke has no stream yet."""
    return {"stream": Stream.objects.filter(team=team, is_teams=True).first() if team else None}


def _visible(request: HttpRequest, pk: UUID) -> SavedPlan:
    found: SavedPlan = get_object_or_404(SavedPlan.objects.visible_to(request.user).select_related("team", "saved_by"), pk=pk)
    return found


def _held(request: HttpRequest, pk: UUID) -> SavedPlan:
    found: SavedPlan = get_object_or_404(SavedPlan.objects.editable_by(request.user).select_related("team"), pk=pk)
    return found
