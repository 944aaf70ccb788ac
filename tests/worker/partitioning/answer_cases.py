"""Questions and profiles of random problems, and rules beside what they come to."""

from __future__ import annotations

from itertools import product

import numpy as np

from tests.worker.partitioning import planner_cases
from worker.partitioning.planner import constraints as c
from worker.partitioning.planner.plan import Hop, Plan, Stage
from worker.partitioning.planner.problem import Problem
from worker.planning import Question
from worker.planning.answer import PlanSaid
from worker.planning.question import Place, Road
from worker.profile import Block, NetworkProfile

WORDS = ("device", "edge", "cloud")
Profiles = dict[str, NetworkProfile]


def profile(seconds: list[float], crossing_bytes: list[int], **facts: object) -> NetworkProfile:
    """Blocks of one layer each, `a`, `b`, ...; the first of the bytes are the input's."""
    blocks = tuple(Block(first=chr(97 + number), last=chr(97 + number), seconds=took, output_bytes=size)
                   for number, (took, size) in enumerate(zip(seconds, crossing_bytes[1:], strict=True)))
    return NetworkProfile.model_validate({"network": "net", "blocks": blocks, "input_bytes": crossing_bytes[0], **facts})


def two(seconds: list[list[float]], crossing_bytes: list[int], mbps: float = 8.0, latency_ms: float = 0.0,
        **asked: object) -> tuple[Question, Profiles]:
    """A device `pi` and a cloud `rack`, and a link each way: 8 Mbit/s are a megabyte a second."""
    places = [Place(device="pi", tier=0, profile="p"), Place(device="rack", tier=2, profile="r")][:len(seconds)]
    roads = [Road(sender=a, receiver=b, latency_ms=latency_ms, bandwidth_mbps=mbps) for a, b in (("pi", "rack"), ("rack", "pi"))]
    question = Question.model_validate({"network": "net", "places": places, "roads": roads[:2 * len(seconds) - 2], **asked})
    return question, {key: profile(row, crossing_bytes) for key, row in zip("pr", seconds, strict=False)}


def asked_of(given: Problem, **asked: object) -> tuple[Question, Profiles]:
    """The same problem as a question, without the energy of links, which nobody measures."""
    assert given.params_bytes is not None and given.activation_bytes is not None and given.joules is not None
    names = [each.name for each in given.resources]
    profiles = {}
    for row, name in enumerate(names):
        blocks = tuple(Block(
            first=f"l{i}", last=f"l{i}", seconds=float(given.seconds[row, i]), joules=float(given.joules[row, i]),
            output_bytes=int(given.crossing_bytes[i + 1]), params_bytes=int(given.params_bytes[i]),
            activation_bytes=int(given.activation_bytes[i])) for i in range(given.blocks))
        profiles[name] = NetworkProfile(network="net", blocks=blocks, input_bytes=int(given.crossing_bytes[0]))
    places = tuple(Place(device=each.name, tier=each.tier, profile=each.name) for each in given.resources)
    roads = tuple(Road(sender=names[a], receiver=names[b], latency_ms=1e3 * float(given.latency_s[a, b]),
                       bandwidth_mbps=float(given.bytes_per_s[a, b]) / 125_000)
                  for a, b in product(range(len(names)), repeat=2) if a != b and given.bytes_per_s[a, b] > 0)
    facts = {"network": "net", "places": places, "roads": roads, "returns": given.returns}
    return Question.model_validate(facts | asked), profiles


def rules(given: Problem, seed: int) -> dict[str, c.Constraint]:
    """Lines, and by hand what each asks of plans; sharp enough to matter."""
    chance = np.random.default_rng(seed)
    tier = int(chance.choice([each.tier for each in given.resources if each.tier < len(WORDS)]))
    word, name = WORDS[tier], given.resources[int(chance.integers(len(given.resources)))].name
    some = tuple(sorted({int(block) for block in chance.integers(0, given.blocks, 2)}))
    told = ", ".join(str(block + 1) for block in some)
    ms, size, room = int(chance.integers(100, 3000)), int(np.median(given.crossing_bytes)), int(chance.integers(50, 300))
    joules, share = round(float(chance.random() * given.blocks), 3), int(chance.choice([20, 50, 70]))
    return {
        "raw input stays": c.InputStays(), f"use {word}": c.TierUsed(tier), f"use {name}": c.Used(name),
        f"leave out {word}": c.TierUnused(tier), f"leave out {name}": c.Unused(name),
        f"blocks {told} in {word}": c.RunsIn(tier, some), f"blocks {told} not in {word}": c.RunsNotIn(tier, some),
        f"blocks {told} in {name}": c.RunsIn(name, some), f"blocks {told} not in {name}": c.RunsNotIn(name, some),
        f"{word} takes at most {ms} ms": c.SecondsIn(tier, ms / 1e3),
        f"{name} takes at most {ms / 1e3} s": c.SecondsIn(name, ms / 1e3),
        f"{word} takes at most {share} %": c.ShareIn(tier, share), f"{name} takes at most {share}%": c.ShareIn(name, share),
        f"{word} takes at most {joules} J": c.JoulesIn(tier, joules),
        f"{name} takes at most {joules} J": c.JoulesIn(name, joules),
        f"{word} sends at most {size} B": c.BytesOut(tier, size), f"{name} sends at most {size / 1e3} kB": c.BytesOut(name, size),
        f"{word} holds at most {room / 1e3} kB": c.MemoryOf(tier, room),
        f"{name} holds at most {room / 1e3} kB": c.MemoryOf(name, room),
        f"all sends at most {2 * size} B": c.BytesInAll(2 * size), f"all takes at most {joules} J": c.JoulesInAll(joules),
        "at most 1 crossing tensor": c.CrossingTensors(1)}


def plan_of(said: PlanSaid) -> Plan:
    """As the judge reads plans."""
    return Plan(tuple(Stage(each.device, each.tier, each.first - 1, each.last, each.ms / 1e3) for each in said.stages),
                tuple(Hop(each.sender, each.receiver, each.cut, each.bytes, each.tensors, each.ms / 1e3) for each in said.hops))


def problem(seed: int) -> Problem:
    return planner_cases.problem(seed)
