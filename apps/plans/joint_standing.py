"""What a kept joint plan rests on, as it was and as it is now: devices, profiles of its networks, links, accuracies, offers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from apps.accounts.refusal import Refused
from apps.plans import joint_scene, weighing
from apps.plans.joint_asking import Ready, ready
from apps.plans.joint_wanted import JointWanted
from apps.plans.models import SavedPlan
from apps.plans.renaming import with_names
from apps.plans.standing import Change, links_changed, offers_changed, offers_kept
from worker.planning.joint_answer import VersionSaid
from worker.wording import figures

# By the field of what was wanted.
NONE_LEFT = {"devices": "None of its devices can be used any more, or none has block times of a network.",
             "networks": "None of its networks has block times on a device any more."}


def rests_on(asked: Ready, version: VersionSaid, choice: VersionSaid | None) -> dict[str, Any]:
    """As it is kept, in JSON."""
    devices = [{"id": str(each.pk), "name": each.name, "tier": each.device.tier, "origin": each.origin, "noisy": each.noisy}
               for each in asked.places]
    links = [{"source": str(source), "target": str(target), **lane._asdict()} for (source, target), lane in asked.lanes.items()]
    names = asked.names
    networks = {each.name: {"accuracy": each.accuracy, "n": each.n, "profiles": {
        str(names[device]): key for device, key in each.profiles.items()}} for each in asked.question.variants}
    offers = [{**row, "title": f"{row['title']} of {each.offer.network}"} for each in asked.question.offers
              for row in offers_kept([each], 1.0)]
    layer = f"{version.layer} behind {version.after} of {version.variant}" if version.layer else ""
    return {"devices": devices, "links": links, "networks": networks, "offers": offers, "layer": layer, "band": [],
            "best": place(choice, asked) if choice else []}


def place(version: VersionSaid, asked: Ready) -> list[Any]:
    """Which version, cut where on which devices: the same however devices are called."""
    return [version.key, weighing.shape(version.plan, asked.names) if version.plan else []]


def asked_now(plan: SavedPlan) -> Ready:
    """The question as it would be asked now, of the devices and networks that are still there. Raises Refused where none is.

    Where some were named and none of them is left, there is nothing to ask: left out they would mean all that there are.
    """
    wanted = JointWanted.model_validate(plan.wanted)
    scene = joint_scene.scene(None, plan.team)
    here = {each.pk: each for each in scene.devices}
    left = wanted.model_copy(update={
        "devices": tuple(pk for pk in wanted.devices if pk in here),
        "networks": tuple(name for name in wanted.networks if name in scene.speakers)})
    gone = {field: told for field, told in NONE_LEFT.items() if getattr(wanted, field) and not getattr(left, field)}
    if gone:
        raise Refused(gone)
    return ready(scene, with_names(left, plan.rests_on, here))


def changed(plan: SavedPlan, asked: Ready) -> list[Change]:
    """Everything that is otherwise, devices first. Of another network than the plan's own it may matter, or not."""
    was, now = plan.rests_on, rests_on(asked, VersionSaid.model_validate(plan.version), None)
    names = {UUID(each["id"]): each["name"] for each in was["devices"]}
    return [*_devices(was, now), *_networks(was["networks"], now["networks"], plan.network, names),
            *links_changed(was["links"], (), asked.lanes, names), *offers_changed(was["offers"], now["offers"], was["layer"])]


def _devices(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Change]:
    there = {each["id"]: each for each in now["devices"]}
    for row in was["devices"]:
        found = there.get(row["id"])
        if found is None:
            yield Change("device", f"{row['name']} can no longer be used, or no network is known on it any more.")
        elif found["tier"] != row["tier"]:
            yield Change("device", f"{row['name']} is of the tier {found['tier']} now; it was of {row['tier']}.")


def _networks(was: Mapping[str, Any], now: Mapping[str, Any], own: str, names: Mapping[UUID, str]) -> Iterator[Change]:
    for network in sorted(was.keys() | now.keys()):
        old, new, kind = was.get(network), now.get(network), "profile" if network == own else "offer"
        if new is None:
            yield Change(kind, f"{network} can no longer be planned: its profiles or its accuracy are gone.")
        elif old is None:
            yield Change(kind, f"{network} can be planned now: {_right(new)}.")
        else:
            yield from _network(network, old, new, kind, names)


def _network(network: str, old: Mapping[str, Any], new: Mapping[str, Any], kind: str,
             names: Mapping[UUID, str]) -> Iterator[Change]:
    others = [names.get(UUID(pk), "a device") for pk in sorted(old["profiles"].keys() | new["profiles"].keys())
              if old["profiles"].get(pk) != new["profiles"].get(pk)]
    if others:
        yield Change(kind, f"Other profiles of {network} count now on {', '.join(sorted(others))}.")
    if (old["accuracy"], old["n"]) != (new["accuracy"], new["n"]):
        yield Change(kind, f"{network} is {_right(new)} now; it was {_right(old)}.")


def _right(network: Mapping[str, Any]) -> str:
    images = f" of {network['n']:,} images" if network["n"] else ""
    return f"right in {figures(100 * network['accuracy'])} %{images}"
