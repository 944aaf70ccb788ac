"""The JSON of saved plans: what is sent, what is answered, and the file that a deployer takes."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from apps.accounts.wire import Asked, Listing, Told
from apps.plans.joint_wanted import JointWanted
from apps.plans.models import Freshness, SavedPlan
from apps.plans.models import Kind as KindOfPlan
from apps.plans.relays import Relays, of_kept
from apps.plans.wanted import Wanted
from worker.planning.answer import NOT_RUN, Answer, HopSaid, Kind, PlanSaid
from worker.planning.joint_answer import JointAnswer, VersionSaid
from worker.planning.offers import Offer


class PlanAsked(Wanted):
    team: UUID | None = Field(None, description="Of this team; without it, the token's.")

    @property
    def wanted(self) -> Wanted:
        return Wanted.model_validate(self.model_dump(exclude=set(type(self).model_fields) - set(Wanted.model_fields)))


class JointAsked(JointWanted):
    team: UUID | None = Field(None, description="Of this team; without it, the token's.")

    @property
    def wanted(self) -> JointWanted:
        return JointWanted.model_validate(self.model_dump(exclude=set(type(self).model_fields) - set(JointWanted.model_fields)))


class TransferOffers(Listing):
    network: str = Field("", max_length=120, description="Only of this network, as its profiles are called.")
    order: str = Field("-created", description="created or network; - before it for descending.")


class TransferOfferOut(Told):
    id: UUID
    team: UUID = Field(validation_alias="team_id")
    network: str = Field(description="As its profiles are called here.")
    dataset: str
    device: UUID | None = Field(validation_alias="device_id",
                                description="Where its times were measured; nothing where that is no device of the team.")
    made_by: UUID = Field(description="The run that measured it.")
    body: Offer = Field(description="As the run left it.")
    created: datetime


class JointPlanToSave(JointAsked):
    """What was asked, and which of the versions on the front is kept."""

    name: str = Field(min_length=1, max_length=120, description="What the saved plan is called; no other of the team has it.")
    version: str = Field(min_length=1, max_length=20_000, description="The key of the version in the answer.")


class PlanToSave(PlanAsked):
    """What was asked, and which of the plans that came is kept."""

    name: str = Field(min_length=1, max_length=120, description="What the saved plan is called; no other of the team has it.")
    plan: str = Field(min_length=1, max_length=20_000, description="The key of the plan in the answer.")


class Renaming(Asked):
    name: str = Field(min_length=1, max_length=120)


class Refreshing(Asked):
    keep: bool = Field(False, description="Stay the plan that it is, with the numbers of now; else the best one takes its place.")


class Plans(Listing):
    state: Freshness | None = None
    network: str = Field("", max_length=120, description="Only of this network.")
    order: str = Field("-saved_at", description="saved_at, created or name; - before it for descending.")


class NetworkOut(Told):
    name: str
    devices: int = Field(description="On so many it can be planned; of these so many measured it.")
    measured: int
    predicted: int
    emulated: int


class NetworksOut(Told):
    items: list[NetworkOut]


class ChangeOut(Told):
    text: str
    matters: bool = Field(description="Whether it alone makes the plan stale.")


class StaysOut(Told):
    """Between which conditions of a direction the plan stays best; nothing where it does as far as a link goes."""

    source: UUID
    target: UUID
    varying: str = Field(description="bandwidth (Mbit/s) or latency (ms).")
    low: float | None
    high: float | None


class SavedPlanOut(Told):
    id: UUID
    team: UUID = Field(validation_alias="team_id")
    name: str
    kind: KindOfPlan = Field(description="single: of one network; joint: of variants, cuts and transfer layers at once.")
    network: str
    state: Freshness
    checking: bool = Field(description="Something that it rests on changed a moment ago and was not looked at yet.")
    stale_since: datetime | None
    changes: list[ChangeOut] = Field(description="What is otherwise than when it was saved, a sentence each.")
    rank: int | None = Field(description="1: it was the best when it was saved.")
    latency_ms: float = Field(description="When it was saved.")
    latency_kind: Kind = Field(description="Emulated or predicted, as all times of plans are: sums that nobody measured.")
    own_now_ms: float | None = Field(description="By what is known now; nothing where it cannot be run as it is, or nobody "
                                                 "could say yet.")
    own_now_kind: Kind | None
    best_now_ms: float | None
    best_now_kind: Kind | None
    saved_at: datetime
    created: datetime


class PlanWanted(Wanted):
    """What was asked, with the devices named."""


class JointPlanWanted(JointWanted):
    """What was asked, with the devices named."""


class WayOut(Told):
    """From where to where, as the plans name them."""

    sender: str
    receiver: str


class Relayed(Told):
    """What is said beside plans of how they would run on boards, as the boards are now."""

    relayed: list[WayOut] = Field([], description="Between these the portal relays what a plan hands on, as the receiver "
                                                  "takes no connections. A result that goes back is never relayed.")
    relayed_note: str = Field("", description="The same in sentences; empty where all parts can be reached.")


class AnswerOut(Relayed, Answer):
    """Plans, the best first, why the others lost, who wins where, and which hops the portal would relay."""


class JointAnswerOut(Relayed, JointAnswer):
    """Every version, those that nothing beats, the choice, and which hops of their plans the portal would relay."""


class WholePlanOut(Relayed, SavedPlanOut):
    wanted: PlanWanted | JointPlanWanted
    plan: PlanSaid
    version: VersionSaid | None = Field(description="Of a joint plan the version that it is, as the answer had it.")
    band: list[StaysOut]
    own_now: PlanSaid | None
    best_now: PlanSaid | None
    sorry: str = Field(description="Why there is no best plan now.")


def with_relays(answer: Answer, relays: Relays) -> AnswerOut:
    return AnswerOut(**dict(answer), **_relayed(relays))


def joint_with_relays(answer: JointAnswer, relays: Relays) -> JointAnswerOut:
    return JointAnswerOut(**dict(answer), **_relayed(relays))


def whole(plan: SavedPlan) -> WholePlanOut:
    told = WholePlanOut.model_validate(plan)
    plans = [told.plan, told.own_now, told.best_now]
    return told.model_copy(update=_relayed(of_kept(plans, plan.rests_on)))


def _relayed(relays: Relays) -> dict[str, Any]:
    return {"relayed": [WayOut(**way._asdict()) for way in relays.every_way], "relayed_note": relays.whole_note}


def file_of(plan: SavedPlan) -> dict[str, Any]:
    """All that somebody needs who sets it up, and what it rests on. `relayed`: by the portal, as the boards are now."""
    said = PlanSaid.model_validate(plan.plan)
    kept, relays = plan.rests_on, of_kept([said], plan.rests_on)
    stages = [{"device": each.device, "tier": _tier(kept, each.device), "first_block": each.first, "last_block": each.last,
               "first_layer": each.first_layer, "last_layer": each.last_layer, "ms": each.ms, "kind": each.kind}
              for each in said.stages]
    hops = [{"from": each.sender, "to": each.receiver, "behind_block": each.cut, "bytes": each.bytes, "tensors": each.tensors,
             "ms": each.ms, "relayed": each in relays.hops, **_layer(said, each)} for each in said.hops]
    return {"name": plan.name, "id": str(plan.pk), "question": plan.kind, "network": plan.network, "version": plan.version,
            "saved_at": plan.saved_at.isoformat(),
            "state": plan.state, "changes": [each["text"] for each in plan.changes], "stages": stages, "hops": hops,
            **said.model_dump(mode="json", include={"latency_ms", "compute_ms", "transfer_ms", "per_second", "bytes", "joules",
                                                    "kind", "block_times", "within_percent"}), "how": NOT_RUN,
            "stays_best": plan.band, "asked": plan.wanted, "devices": kept["devices"], "links": kept["links"]}


def _layer(plan: PlanSaid, hop: HopSaid) -> dict[str, Any]:
    """The transfer layer that stands on this hop."""
    of = plan.transfer
    return {"transfer_layer": of.model_dump(mode="json")} if of and of.cut == hop.cut else {}


def _tier(kept: dict[str, Any], name: str) -> str:
    return next((str(each["tier"]) for each in kept["devices"] if each["name"] == name), "")
