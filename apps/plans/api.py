"""Plans for programs: what can be planned, the plans themselves, and those that are kept."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Query, Router, Status

from apps.accounts import teams
from apps.accounts.wire import OfTeam, Page, editable_team, ordered, paged, team_of
from apps.plans import actions, asking, choosing, joint_asking
from apps.plans.models import SavedPlan, TransferOffer
from apps.plans.relays import of_answer
from apps.plans.wire import (
    AnswerOut,
    JointAnswerOut,
    JointAsked,
    JointPlanToSave,
    NetworksOut,
    PlanAsked,
    Plans,
    PlanToSave,
    Refreshing,
    Renaming,
    SavedPlanOut,
    TransferOfferOut,
    TransferOffers,
    WholePlanOut,
    joint_with_relays,
    whole,
    with_relays,
)

router = Router(tags=["plans"])
ONE = "/plans/{uuid:plan}"


@router.get("/plans/networks", response=NetworksOut)
def list_plan_networks(request: HttpRequest, asked: Annotated[OfTeam, Query()]) -> dict[str, Any]:
    """The networks of which devices that can be used have block times, the commonest first; at most 200."""
    return {"items": choosing.networks(teams.person(request), team_of(request, asked.team))}


@router.post("/plans/ask", response=AnswerOut)
def ask_for_plans(request: HttpRequest, asked: PlanAsked) -> AnswerOut:
    """Where a network should run: plans, the best first, why the others lost, and who wins where. 503 when nobody answers."""
    ready = asking.of(teams.person(request), team_of(request, asked.team), asked.wanted)
    found = asking.answered(ready)
    return with_relays(found, of_answer(found, ready.names))


@router.post("/plans/joint", response=JointAnswerOut)
def ask_for_joint_plans(request: HttpRequest, asked: JointAsked) -> JointAnswerOut:
    """Which variant, cut where, with which transfer layer, on which devices: those that nothing beats in both accuracy and
    latency, with their plans, and the one that is in time and accurate enough. 503 when nobody answers."""
    scene = joint_asking.scene_of(teams.person(request), team_of(request, asked.team), asked.wanted.example)
    ready = joint_asking.ready(scene, asked.wanted)
    found = joint_asking.answered(ready)
    return joint_with_relays(found, of_answer(found, ready.names))


@router.get("/plans/offers", response=Page[TransferOfferOut])
def list_transfer_offers(request: HttpRequest, asked: Annotated[TransferOffers, Query()]) -> dict[str, Any]:
    """What transfer layers offer plans, as runs of ScissionLite measured it, the newest first."""
    rows = TransferOffer.objects.visible_to(teams.person(request)).filter(team=team_of(request, asked.team))
    rows = rows.filter(network=asked.network) if asked.network else rows
    rows = rows.filter(network__icontains=asked.q.strip()) if asked.q.strip() else rows
    return paged(ordered(rows, asked.order, ("created", "network")), asked)


@router.get("/plans", response=Page[SavedPlanOut])
def list_plans(request: HttpRequest, asked: Annotated[Plans, Query()]) -> dict[str, Any]:
    """The team's saved plans, the newest first."""
    rows = SavedPlan.objects.visible_to(teams.person(request)).filter(team=team_of(request, asked.team))
    rows = rows.filter(state=asked.state) if asked.state else rows
    rows = rows.filter(network=asked.network) if asked.network else rows
    rows = rows.filter(name__icontains=asked.q.strip()) if asked.q.strip() else rows
    return paged(ordered(rows, asked.order, ("saved_at", "created", "name")), asked)


@router.post("/plans", response={201: WholePlanOut})
def save_plan(request: HttpRequest, asked: PlanToSave) -> Status[WholePlanOut]:
    """Keep a plan of an answer, with the conditions in which it stays best. It is asked for once more: 422 where it is gone."""
    team = editable_team(request, asked.team)
    return Status(201, whole(actions.save(teams.person(request), team, asked.wanted, asked.name, asked.plan)))


@router.post("/plans/joint/save", response={201: WholePlanOut})
def save_joint_plan(request: HttpRequest, asked: JointPlanToSave) -> Status[WholePlanOut]:
    """Keep a version that nothing beats, with its plan. It is asked for once more: 422 where it is gone."""
    team = editable_team(request, asked.team)
    return Status(201, whole(actions.save(teams.person(request), team, asked.wanted, asked.name, asked.version)))


@router.get(ONE, response=WholePlanOut)
def get_plan(request: HttpRequest, plan: UUID) -> WholePlanOut:
    """One saved plan, what it rests on and what is otherwise now."""
    found: SavedPlan = get_object_or_404(SavedPlan.objects.visible_to(teams.person(request)), pk=plan)
    return whole(found)


@router.patch(ONE, response=WholePlanOut)
def rename_plan(request: HttpRequest, plan: UUID, asked: Renaming) -> WholePlanOut:
    """Call it otherwise."""
    return whole(actions.rename(teams.person(request), _held(request, plan), asked.name))


@router.delete(ONE, response={204: None})
def delete_plan(request: HttpRequest, plan: UUID) -> Status[None]:
    """Take it away."""
    actions.delete(teams.person(request), _held(request, plan))
    return Status(204, None)


@router.post(ONE + "/refresh", response=WholePlanOut)
def refresh_plan(request: HttpRequest, plan: UUID, asked: Refreshing) -> WholePlanOut:
    """Bring it up to date: the best plan of now takes its place, or with keep it stays itself with the numbers of now."""
    return whole(actions.refresh(teams.person(request), _held(request, plan), keep=asked.keep))


def _held(request: HttpRequest, pk: UUID) -> SavedPlan:
    found: SavedPlan = get_object_or_404(SavedPlan.objects.editable_by(teams.person(request)).select_related("team"), pk=pk)
    return found
