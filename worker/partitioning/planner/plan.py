"""A plan with all its parts: what runs where, what goes over which link, and what each costs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import fsum

from worker.partitioning.planner.problem import Problem
from worker.partitioning.planner.ranking import Path


@dataclass(frozen=True)
class Stage:
    """Blocks first .. stop - 1 on one resource."""

    resource: str
    tier: int
    first: int
    stop: int
    seconds: float


@dataclass(frozen=True)
class Hop:
    """What crosses the cut before block `cut`, from one resource to another; cut 0 is the input, cut N the result."""

    sender: str
    receiver: str
    cut: int
    bytes: int
    tensors: int
    seconds: float


@dataclass(frozen=True)
class Plan:
    """A chain of stages and the hops between them. `latency_s` is the sum of their times.

    `layer`: the transfer layer inside it, by its name; empty where there is none.
    """

    stages: tuple[Stage, ...]
    hops: tuple[Hop, ...]
    layer: str = ""

    @property
    def compute_s(self) -> float:
        return fsum(stage.seconds for stage in self.stages)

    @property
    def transfer_s(self) -> float:
        return fsum(hop.seconds for hop in self.hops)

    @property
    def latency_s(self) -> float:
        return fsum([*(stage.seconds for stage in self.stages), *(hop.seconds for hop in self.hops)])

    @property
    def bottleneck_s(self) -> float:
        """The slowest part: images follow each other no faster when all parts work at once."""
        return max(*(stage.seconds for stage in self.stages), *(hop.seconds for hop in self.hops), 0.0)

    @property
    def bytes(self) -> int:
        return sum(hop.bytes for hop in self.hops)


def plan_of(problem: Problem, path: Path) -> Plan:
    names, tiers = [each.name for each in problem.resources], [each.tier for each in problem.resources]
    stages = tuple(Stage(names[run.resource], tiers[run.resource], run.first, run.stop,
                         fsum(problem.seconds[run.resource, run.first:run.stop].tolist())) for run in path)
    return Plan(stages, tuple(_hop(problem, *moved) for moved in _moves(problem, path)))


def _moves(problem: Problem, path: Path) -> list[tuple[int, int, int]]:
    """Sender, receiver and cut of each message; none where it would stay where it is."""
    places = [problem.source, *(run.resource for run in path), *([problem.source] if problem.returns else [])]
    cuts = [run.first for run in path] + [problem.blocks]
    return [(sender, receiver, cut) for (sender, receiver), cut in zip(pairwise(places), cuts, strict=False)
            if sender != receiver]


def _hop(problem: Problem, sender: int, receiver: int, cut: int) -> Hop:
    size = int(problem.crossing_bytes[cut])
    took = float(problem.latency_s[sender, receiver]) + size / float(problem.bytes_per_s[sender, receiver])
    names = problem.resources
    return Hop(names[sender].name, names[receiver].name, cut, size, int(problem.crossing_tensors[cut]), took)
