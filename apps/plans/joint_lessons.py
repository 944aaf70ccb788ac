"""What joint plans need, what of it a team has, and where to get the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from apps.plans.joint_scene import Scene


class Lesson(NamedTuple):
    """What a team needs for joint plans, whether it has it, and where to get it."""

    text: str
    is_done: bool
    href: str
    link: str


def lessons(scene: Scene) -> Sequence[Lesson]:
    """In the order in which they are best done."""
    known = scene.accuracies.get(next(iter(scene.datasets), ""), {})
    ready = [name for name in scene.networks if name in known]
    return [
        Lesson("Block times of a network on two devices at least: time it block by block, or have it predicted.",
               any(len(of) > 1 for of in scene.speakers.values()), "benchmarking.layers", "Time blocks"),
        Lesson("What lies between the devices: a round trip and a bandwidth for each link.", bool(scene.lanes), "links", "Links"),
        Lesson("How accurate the network is, on a data set's test part.", bool(ready), "benchmarking.accuracy",
               "Measure accuracy"),
        Lesson("A second variant, smaller and sooner: prune the network, then time and judge what comes out as well.",
               len(ready) > 1, "pruning.reconvene", "Prune it"),
        Lesson("A transfer layer at a cut: ScissionLite trains one, and offers what it measured to this page.",
               any(each.offer.network in ready for each in scene.offered), "partitioning.scissionlite", "Run ScissionLite")]

