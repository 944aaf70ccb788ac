"""A version of joint plans as the form of a new run takes it: with a transfer layer, as the network that has it inside."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode
from uuid import UUID

from apps.accounts.models import Team, User
from apps.catalog.models import Variant
from apps.plans.joint_scene import Scene
from apps.plans.planner_form import WayShown
from apps.plans.running import lanes_shown, query
from worker.planning.answer import PlanSaid
from worker.planning.joint_answer import VersionSaid
from worker.planning.offers import Offer


def run_of(user: User, team: Team, scene: Scene, version: VersionSaid, dataset: str, ways: Sequence[WayShown]) -> str:
    """What the form's address says; nothing of what is made up, runs in one piece, or has a layer whose file nobody has."""
    if version.plan is None or scene.is_example or version.form == "whole":
        return ""
    if version.transfer is None:
        return query(version.plan, version.variant, lanes_shown(ways))
    offer = _offer(scene, version, dataset)
    model = _variant(user, team, offer) if offer else None
    if offer is None or model is None:
        return ""
    told = query(_inside(version.plan, version.transfer.cut, offer), version.variant, lanes_shown(ways))
    return f"{told}&{urlencode({'model': model})}" if told else ""


def _offer(scene: Scene, version: VersionSaid, dataset: str) -> Offer | None:
    """Its transfer layer as a run left it, where that says what one needs to run it."""
    same = (version.variant, version.after, version.layer, dataset)
    every = (each.offer for each in scene.offered)
    return next((each for each in every if each.inner_after and each.variant_sha256
                 and (each.network, each.after, each.layer, each.dataset) == same), None)


def _variant(user: User, team: Team, offer: Offer) -> UUID | None:
    """The team's network with the layer inside."""
    mine = Variant.objects.visible_to(user).filter(team=team, precision="fp32", file=offer.variant_sha256).order_by("-created")
    found: UUID | None = mine.values_list("pk", flat=True).first()
    return found


def _inside(plan: PlanSaid, cut: int, offer: Offer) -> PlanSaid:
    """Cut behind the layer's first half, which that network has behind the last layer of the head."""
    stages = tuple(each.model_copy(update={"last_layer": offer.inner_after}) if each.last == cut else each
                   for each in plan.stages)
    return plan.model_copy(update={"stages": stages})
