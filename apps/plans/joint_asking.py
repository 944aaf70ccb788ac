"""Asking for joint plans: what a person wants, over what there is, as the question that goes to the process that plans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from pydantic import ValidationError

from apps.accounts import teams
from apps.accounts.models import Team, User
from apps.accounts.refusal import Refused
from apps.live import asking
from apps.plans.asking import STRANGER, WAIT_S
from apps.plans.choosing import Candidate
from apps.plans.joint_accuracies import Accuracy
from apps.plans.joint_scene import Scene, example, scene, suited
from apps.plans.joint_wanted import JointWanted
from apps.plans.questions import Lane, Way, as_wanted
from apps.plans.wanted import MB, NOBODY
from worker.planning.joint_answer import JointAnswer
from worker.planning.joint_question import MOST_VARIANTS, JointQuestion, Runner, VariantAsked
from worker.planning.question import MOST_DEVICES, Road

NOTHING = ("Nobody knows how accurate a network is that has block times: measure it on a data set (recipe Accuracy), or run "
           "ScissionLite.")
NO_ACCURACY = "Nobody knows how accurate {network} is on {dataset}: measure it (recipe Accuracy)."
NO_PROFILE = "No device that can be used has block times of {network}: profile one, or bring a file."
# A field of the question by the field of what was wanted that it was made of.
FIELDS = {"variants": "networks", "runners": "devices"}


@dataclass(frozen=True)
class Ready:
    """The question with what it was made of."""

    question: JointQuestion
    dataset: str
    places: tuple[Candidate, ...]
    lanes: Mapping[Way, Lane]
    left_out: tuple[str, ...] = ()

    @property
    def names(self) -> dict[str, UUID]:
        return {each.name: each.pk for each in self.places}


def scene_of(user: User, team: Team, wanted_example: bool) -> Scene:
    if not teams.role(user, team):
        raise Refused({"": STRANGER})
    return example() if wanted_example else scene(user, team)


def answered(asked: Ready, *, topic: str = "", wait_s: float = WAIT_S) -> JointAnswer:
    """Raises `Refused`, and `apps.live.asking.Silent` when nobody answers in time."""
    try:
        told = asking.ask("joint", {"question": asked.question.model_dump(mode="json")}, wait_s=wait_s, topic=topic)
    except Refused as refused:
        raise Refused({FIELDS.get(field, field): text for field, text in as_wanted(refused.errors).items()}) from None
    found = JointAnswer.model_validate(told)
    return found.model_copy(update={"warnings": (*asked.left_out, *found.warnings)}) if asked.left_out else found


def ready(found: Scene, wanted: JointWanted) -> Ready:
    """Refused says which field cannot be."""
    found = suited(found, wanted.networks, wanted.dataset)
    places = _places(found, wanted)
    dataset = _dataset(found, wanted)
    known = found.accuracies[dataset]
    names, left_out = _networks(found, wanted, known, dataset)
    here = {each.pk: each.name for each in places}
    lanes = _lanes(found, wanted, here)
    variants = tuple(made for name in names if (made := _variant(found, name, known[name], here)))
    if not variants:
        raise Refused({"devices": f"None of these devices has block times of {names[0]}."})
    try:
        question = JointQuestion(
            runners=tuple(Runner(device=each.name, tier=each.tier) for each in places), variants=variants, dataset=dataset,
            offers=tuple(each for each in found.offered if each.offer.network in names and each.offer.dataset == dataset),
            roads=_roads(lanes, here), rules=wanted.rules, deadline_ms=wanted.deadline_ms, floor=wanted.floor,
            goal=wanted.goal, returns=wanted.returns,
            input_bytes=None if wanted.input_mb is None else round(wanted.input_mb * MB))
    except ValidationError:
        raise Refused({"devices": "One of these devices has a name, or a link, that no plan can be made with."}) from None
    return Ready(question, dataset, tuple(places), lanes, tuple(left_out))


def _places(found: Scene, wanted: JointWanted) -> list[Candidate]:
    """By tier; those that are named in the order in which they are."""
    known = {each.pk: each for each in found.devices}
    strange = {f"devices.{at}": NOBODY for at, pk in enumerate(wanted.devices) if pk not in known}
    if strange:
        raise Refused(strange)
    chosen = [known[pk] for pk in wanted.devices] if wanted.devices else list(found.devices)
    usable = [each for each in chosen if not each.away]
    if not usable:
        raise Refused({"devices": "No device that can be used has block times of a network: profile one, or bring a file."})
    return sorted(usable, key=lambda each: each.tier)[:MOST_DEVICES]


def _dataset(found: Scene, wanted: JointWanted) -> str:
    if not found.datasets:
        raise Refused({"dataset": NOTHING})
    if wanted.dataset and wanted.dataset not in found.datasets:
        raise Refused({"dataset": f"No accuracy is known on this data set; there are {', '.join(found.datasets[:10])}."})
    return wanted.dataset or found.datasets[0]


def _networks(found: Scene, wanted: JointWanted, known: Mapping[str, Accuracy], dataset: str) -> tuple[list[str], list[str]]:
    """Those that are planned, and what is said of those that are not."""
    for at, name in enumerate(wanted.networks):
        if name not in found.speakers:
            raise Refused({f"networks.{at}": NO_PROFILE.format(network=name)})
    named = list(wanted.networks) or [name for name in found.networks if name in known]
    lacking = [NO_ACCURACY.format(network=name, dataset=dataset) for name in named if name not in known]
    names = [name for name in named if name in known]
    if not names:
        raise Refused({"networks": " ".join(lacking)})
    if len(names) > MOST_VARIANTS:
        lacking.append(f"Only the first {MOST_VARIANTS} of {len(names)} networks are planned; choose those that shall be.")
    return names[:MOST_VARIANTS], lacking


def _variant(found: Scene, name: str, accuracy: Accuracy, places: Mapping[UUID, str]) -> VariantAsked | None:
    profiles = {places[pk]: each.key for pk, each in found.speakers[name].items() if pk in places}
    return VariantAsked(name=name, accuracy=accuracy.value, n=accuracy.n or None, profiles=profiles) if profiles else None


def _lanes(found: Scene, wanted: JointWanted, places: Mapping[UUID, str]) -> dict[Way, Lane]:
    lanes: dict[Way, Lane] = {way: lane for way, (lane, _) in found.lanes.items()}
    for each in wanted.links:
        lanes[each.source, each.target] = Lane(each.latency_ms, each.bandwidth_mbps, tried=True)
    return {way: lane for way, lane in lanes.items() if set(way) <= places.keys()}


def _roads(lanes: Mapping[Way, Lane], places: Mapping[UUID, str]) -> Sequence[Road]:
    return tuple(Road(sender=places[source], receiver=places[target], latency_ms=lane.latency_ms,
                      bandwidth_mbps=lane.bandwidth_mbps) for (source, target), lane in lanes.items())
