"""What a joint plan rests on, of all that is known: the networks that are its variants, who speaks for them where, the offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from worker.evidence import Evidence
from worker.planning.basis import Basis, basis, networks, offered
from worker.planning.joint_question import JointQuestion, Runner, VariantAsked
from worker.planning.offers import Offer
from worker.planning.question import TIERS, Road
from worker.profile import NetworkProfile

Accuracies = Mapping[str, tuple[float, int | None]]  # by network: share of the images, and how many images


@dataclass(frozen=True)
class JointBasis:
    """`left_out`: networks that are known and take no part, each with the reason."""

    question: JointQuestion
    profiles: Mapping[str, NetworkProfile]
    left_out: tuple[str, ...]


def joint_basis(evidence: Evidence, offers: Sequence[Offer], accuracies: Accuracies, wanted: Sequence[str] = (),
                **asked: Any) -> JointBasis:
    """`wanted`: devices by their names, or all. ValueError in a sentence where there is nothing to plan."""
    known = accuracies_of(offers) | dict(accuracies)
    there = networks(evidence)
    strange = [name for name in accuracies if name not in there]
    if strange:
        raise ValueError(f"There is no profile of {strange[0]}; there are profiles of {', '.join(there) or 'nothing'}.")
    found = [basis(evidence, name, wanted) for name in there if name in known]
    if not found:
        raise ValueError("Nobody knows how accurate these networks are: say it of at least one, as NAME=0.91 or NAME=0.91/500.")
    left_out = tuple(f"{name} is left out: nobody knows how accurate it is." for name in there if name not in known)
    variants = tuple(VariantAsked(name=each.network, accuracy=known[each.network][0], n=known[each.network][1],
                                  profiles={each.names[key]: f"{each.network}/{key}" for key in each.profiles}) for each in found)
    profiles = {f"{each.network}/{key}": profile for each in found for key, profile in each.profiles.items()}
    mine = tuple(offered(evidence, each) for each in offers if each.network in known)
    return JointBasis(JointQuestion(runners=_runners(found), variants=variants, offers=mine, roads=_roads(found), **asked),
                      profiles, left_out)


def accuracies_of(offers: Sequence[Offer]) -> dict[str, tuple[float, int | None]]:
    """What they say of the networks that they were made of; the first says it."""
    found: dict[str, tuple[float, int | None]] = {}
    for each in offers:
        found.setdefault(each.network, (each.accuracy_whole, each.n))
    return found


def _runners(every: Sequence[Basis]) -> tuple[Runner, ...]:
    tiers = {each.names[device.id]: TIERS.index(device.tier) if device.tier in TIERS else 0
             for each in every for device in each.devices}
    return tuple(Runner(device=name, tier=tier) for name, tier in sorted(tiers.items(), key=lambda each: each[1]))


def _roads(every: Sequence[Basis]) -> tuple[Road, ...]:
    found = {(each.names[link.sender], each.names[link.receiver]): link for each in every for link in each.links}
    return tuple(Road(sender=sender, receiver=receiver, latency_ms=link.latency_ms, bandwidth_mbps=link.bandwidth_mbps)
                 for (sender, receiver), link in found.items())
