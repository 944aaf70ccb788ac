"""Queries of Scission's predictor (Lockhart et al., 2020, arXiv 2008.03523), asked of the planner and answered in its layout.

What is meant by each option is as there, with three faults mended: a block that took no measurable time does not make a message
free; a resource whose name is a number can be named; and leaving a resource out does not force another of its tier into use.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from worker.partitioning import layered
from worker.partitioning.fitting import Ground, allowed
from worker.partitioning.joint.versions import Layer
from worker.partitioning.planner import constraints as c
from worker.partitioning.planner.plan import Plan
from worker.partitioning.planner.problem import Problem, Resource
from worker.partitioning.preparing import prepared
from worker.planning.offers import OfferAsked
from worker.profile.network import NetworkProfile

TIERS = ("device", "edge", "cloud")
MEGABYTE = 1_000_000
BYTES_OF_A_MEGABIT = 125_000
AMOUNT = re.compile(r"([0-9]{1,12}(?:\.[0-9]{0,12})?|\.[0-9]{1,12})(%?)")
LONGEST_SHOWN = 40
LAYER = re.compile(r"[0-9]{1,9}")


class Unanswerable(ValueError):
    """What was asked names something that is not there, or cannot be read. One sentence for each thing that is wrong."""


@dataclass(frozen=True)
class Measured:
    """A resource with the times of one network's blocks."""

    name: str
    tier: str
    profile: NetworkProfile


@dataclass(frozen=True)
class Wire:
    """From one resource to another: a ping, charged whole for each message, and a bandwidth."""

    source: str
    destination: str
    ping_ms: float
    megabits_per_s: float


@dataclass(frozen=True)
class Query:
    """`criteria`: tier to its comma list. `uploads`: tier to MB. `times`: tier to seconds, `2.5`, or a share of all, `40%`.

    `offers`: transfer layers of the network; a plan may have one that costs at most `most_drop`, a share, of its accuracy.
    """

    input_mb: float = 0.15
    criteria: Mapping[str, str] = field(default_factory=dict)
    uploads: Mapping[str, float] = field(default_factory=dict)
    times: Mapping[str, str] = field(default_factory=dict)
    offers: tuple[OfferAsked, ...] = ()
    most_drop: float | None = None


@dataclass(frozen=True)
class Answer:
    """A plan, with the device whose data it is made of and the blocks' layers."""

    plan: Plan
    device: str
    layers: tuple[tuple[int, int], ...]

    def line(self, rank: int) -> str:
        """As the original prints it; bytes that leave the device and the edge are what is transferred.

        Behind it stands a transfer layer, of which the original knows nothing.
        """
        stages = {stage.tier: stage for stage in self.plan.stages}
        said = []
        for tier, name in enumerate(TIERS):
            stage = stages.get(tier)
            first, last = (self.layers[stage.first][0], self.layers[stage.stop - 1][1]) if stage else (-1, -1)
            said.append(f"{name.title()}({stage.resource if stage else self.device if tier == 0 else None}) = {first} - {last}")
        layer = f" - TL({self.plan.layer})" if self.plan.layer else ""
        return f"[{rank}] {self.plan.latency_s:.4f}s - {self.plan.bytes / MEGABYTE:.4f}MB - {', '.join(said)}{layer}"


def answers(resources: Sequence[Measured], wires: Iterable[Wire], query: Query, count: int = 5) -> list[Answer]:
    """The best plans, first those of the least latency. Raises Unanswerable."""
    _judge(resources)
    between = {(wire.source, wire.destination): wire for wire in wires}
    found = []
    for device in (each for each in resources if each.tier == TIERS[0]):
        behind = sorted((each for each in resources if each.tier != TIERS[0]), key=lambda each: TIERS.index(each.tier))
        chosen = [device, *behind]
        problem = _problem(chosen, between, query)
        asked = list(_asked(problem, device.profile, query, resources))
        found += [Answer(plan, device.name, _layers(device.profile)) for plan in layered.best(
            layered.variant(problem, asked, _transfer_layers(chosen, query)), count=count)]
    return sorted(found, key=lambda each: each.plan.latency_s)[:count]


def _transfer_layers(chosen: Sequence[Measured], query: Query) -> list[Layer]:
    """Those that fit. Raises Unanswerable where one does not."""
    if query.most_drop is None:
        return []
    names, profiles = tuple(each.name for each in chosen), [each.profile for each in chosen]
    told = list[str]()
    found = allowed(query.offers, query.most_drop, Ground(prepared(names, profiles), names, profiles[0].batch), told)
    if wrong := [each for each in told if "is left out" in each]:
        raise Unanswerable(" ".join(wrong))
    return [each.layer for each in found]


def _judge(resources: Sequence[Measured]) -> None:
    if not any(each.tier == TIERS[0] for each in resources):
        raise Unanswerable("There is no device: a file called device-NAME.csv is needed, for there the input is.")
    first = resources[0]
    for other in resources[1:]:
        if _layers(other.profile) != _layers(first.profile):
            raise Unanswerable(f"{first.profile.network} has {len(first.profile.blocks)} blocks on {first.name} and "
                               f"{len(other.profile.blocks)} on {other.name}, or other layers in them: they do not go together.")


def _layers(profile: NetworkProfile) -> tuple[tuple[int, int], ...]:
    return tuple((int(block.first), int(block.last)) for block in profile.blocks)


def _problem(chosen: Sequence[Measured], between: Mapping[tuple[str, str], Wire], query: Query) -> Problem:
    wires = [[between.get((one.name, other.name)) for other in chosen] for one in chosen]
    return Problem(
        tuple(Resource(each.name, TIERS.index(each.tier)) for each in chosen),
        np.array([[block.seconds for block in each.profile.blocks] for each in chosen]),
        np.array([round(query.input_mb * MEGABYTE), *(block.output_bytes for block in chosen[0].profile.blocks)], np.int64),
        np.array([[wire.ping_ms / 1000 if wire else 0.0 for wire in row] for row in wires]),
        np.array([[float(round(wire.megabits_per_s * BYTES_OF_A_MEGABIT)) if wire else 0.0 for wire in row] for row in wires]))


def _asked(problem: Problem, profile: NetworkProfile, query: Query, resources: Sequence[Measured]) -> Iterator[c.Constraint]:
    for tier, words in query.criteria.items():
        names = [each.name for each in resources if each.tier == tier]
        here = [name for name in names if name in {each.name for each in problem.resources}]
        yield from _criteria(TIERS.index(tier), words.split(","), names, here, profile)
    for tier, megabytes in query.uploads.items():
        yield c.BytesOut(TIERS.index(tier), round(megabytes * MEGABYTE))
    for tier, words in query.times.items():
        amount = AMOUNT.fullmatch(words.strip())
        if not amount:
            raise Unanswerable(f"--{tier}-time: got {_shown(words)}; allowed: seconds, as in 0.05, or a share, as in 50%.")
        kind = c.ShareIn if amount[2] else c.SecondsIn
        yield kind(TIERS.index(tier), float(amount[1]))


def _criteria(tier: int, words: Sequence[str], names: Sequence[str], here: Sequence[str],
              profile: NetworkProfile) -> Iterator[c.Constraint]:
    """A word is a resource's name before it is a layer's number, so that a resource may be called 2500."""
    wanted: set[str] = set()
    for word in (word.strip() for word in words):
        is_not, name = word.startswith("!"), word.removeprefix("!")
        if name == "-1":
            yield c.TierUsed(tier) if is_not else c.TierUnused(tier)
        elif name in names and is_not:
            yield from [c.Unused(name)] * (name in here)
        elif name in names:
            wanted.add(name)
        elif LAYER.fullmatch(name):
            blocks = (_block(profile, int(name), tier),)
            yield c.RunsNotIn(tier, blocks) if is_not else c.RunsIn(tier, blocks)
        else:
            raise Unanswerable(f"-{TIERS[tier][0]}: got {_shown(word)}; allowed: -1, a layer's number, or a resource of that "
                               f"tier ({', '.join(names) or 'there is none'}), each with ! in front for the opposite.")
    if wanted:
        yield c.TierUsed(tier)
        yield from (c.Unused(name) for name in here if name not in wanted)


def _block(profile: NetworkProfile, layer: int, tier: int) -> int:
    found = [place for place, (first, last) in enumerate(_layers(profile)) if first <= layer <= last]
    if not found:
        raise Unanswerable(f"-{TIERS[tier][0]}: got layer {layer}; {profile.network} has layers 0 to {_layers(profile)[-1][1]}.")
    return found[0]


def _shown(word: str) -> str:
    return repr(word) if len(word) <= LONGEST_SHOWN else f"{word[:LONGEST_SHOWN]!r}... ({len(word):,} characters)"
