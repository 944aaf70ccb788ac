"""The planner's problems as whole questions with profiles, as pages and programs ask them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from itertools import permutations

from worker.partitioning.answering import answer
from worker.partitioning.planner.problem import Problem
from worker.partitioning.scission import TIERS, Measured, Wire
from worker.planning import Question
from worker.planning.question import Place, Range, Road
from worker.profile import Block, NetworkProfile

Profiles = dict[str, NetworkProfile]
RULES = ("raw input stays", "use r2.0", "r1.0 takes at most 50 s", "r4.0 sends at most 0.5 MB", "blocks 250 in cloud")
REPEATS = 9


def random(given: Problem) -> tuple[Question, Profiles]:
    names = [each.name for each in given.resources]
    profiles = {name: NetworkProfile(network="random", input_bytes=int(given.crossing_bytes[0]), blocks=tuple(
        Block(first=str(block), last=str(block), seconds=float(given.seconds[row, block]),
              output_bytes=int(given.crossing_bytes[block + 1])) for block in range(given.blocks)))
        for row, name in enumerate(names)}
    roads = tuple(Road(sender=names[a], receiver=names[b], latency_ms=1e3 * float(given.latency_s[a, b]),
                       bandwidth_mbps=float(given.bytes_per_s[a, b]) / 125_000) for a, b in permutations(range(len(names)), 2))
    places = tuple(Place(device=each.name, tier=each.tier, profile=each.name) for each in given.resources)
    return Question(network="random", places=places, roads=roads), profiles


def published(resources: list[Measured], wires: list[Wire]) -> tuple[Question, Profiles]:
    profiles = {each.name: each.profile for each in resources}
    places = tuple(Place(device=each.name, tier=TIERS.index(each.tier), profile=each.name) for each in resources)
    roads = tuple(Road(sender=wire.source, receiver=wire.destination, latency_ms=wire.ping_ms, bandwidth_mbps=wire.megabits_per_s)
                  for wire in wires if {wire.source, wire.destination} <= set(profiles))
    return Question(network=resources[0].profile.network, places=places, roads=roads, input_bytes=150_000), profiles


def ways(question: Question, rules: tuple[str, ...] = ()) -> Iterator[tuple[str, Question]]:
    """The same with more and more asked."""
    yield "plans and natives", question
    ranged = question.model_copy(update={"range": Range()})
    yield "with bands over all links", ranged
    if rules:
        yield f"with bands and {len(rules)} rules", ranged.model_copy(update={"rules": rules})
    yield "by throughput", question.model_copy(update={"objective": "throughput"})
    yield "with the frontier of latency and throughput", question.model_copy(update={"pareto": True})


def cpu_ms(question: Question, profiles: Profiles) -> float:
    """The median; the profiles are prepared, as in the process that answers."""
    answer(question, profiles)
    took = []
    for _ in range(REPEATS):
        begun = time.process_time()
        answer(question, profiles)
        took.append(1e3 * (time.process_time() - begun))
    return statistics.median(took)
