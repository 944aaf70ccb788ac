"""A variant of a network with all the forms in which it may run, each as a problem of the planner."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

import numpy as np

from worker.partitioning.planner.asking import best
from worker.partitioning.planner.constraints import Constraint
from worker.partitioning.planner.plan import Plan
from worker.partitioning.planner.problem import Floats, Problem
from worker.partitioning.planner.space import Space

Form = Literal["whole", "split", "layer"]


@dataclass(frozen=True, eq=False)
class Layer:
    """A transfer layer behind block `cut` - 1. `bytes` cross the link there.

    down_s, up_s: R, what its halves take on each resource before and behind the link. `params_bytes` count on both sides.
    `name`: what its plans say of it.
    """

    cut: int
    bytes: int
    down_s: Floats
    up_s: Floats
    accuracy: float
    params_bytes: int = 0
    name: str = ""


@dataclass(frozen=True, eq=False)
class Variant:
    """`asked`: what every plan of it keeps. `accuracy`: without a transfer layer. Raises ValueError where a layer cannot be.

    `only`: the name of the layer that every plan of it has; empty: any or none.
    """

    problem: Problem
    asked: tuple[Constraint, ...]
    accuracy: float
    layers: tuple[Layer, ...] = ()
    only: str = ""

    def __post_init__(self) -> None:
        wrong = next((each.cut for each in self.layers if not 0 < each.cut < self.problem.blocks), None)
        if wrong is not None:
            raise ValueError(f"a transfer layer stands at a cut inside; got {wrong} of {self.problem.blocks} blocks")

    @property
    def versions(self) -> list[Version]:
        return [Version("whole"), Version("split"), *(Version("layer", place) for place in range(len(self.layers)))]

    def may_be(self, version: Version) -> bool:
        return not self.only or (version.layer is not None and self.layers[version.layer].name == self.only)

    def accuracy_of(self, version: Version) -> float:
        return self.accuracy if version.layer is None else self.layers[version.layer].accuracy

    def problem_of(self, version: Version) -> Problem:
        return self.problem if version.layer is None else fitted(self.problem, self.layers[version.layer])

    def best(self, version: Version) -> Plan | None:
        """By the planner's own search; None where no plan of this form keeps what is asked."""
        found = best(self.problem_of(version), self.kept_by(version), count=1)
        return found[0] if found else None

    def kept_by(self, version: Version) -> tuple[Constraint, ...]:
        """All that a plan of this form keeps."""
        if version.layer is not None:
            return (*self.asked, CutAt(self.layers[version.layer].cut))
        return (*self.asked, Uncut() if version.form == "whole" else CutSomewhere())


class Version(NamedTuple):
    """A form of a variant; `layer` is the place of the transfer layer among the variant's."""

    form: Form
    layer: int | None = None


def fitted(problem: Problem, layer: Layer) -> Problem:
    """The halves run as part of the blocks beside the cut, and what crosses it is what the layer leaves."""
    cut, seconds = layer.cut, problem.seconds.copy()
    seconds[:, cut - 1] += layer.down_s
    seconds[:, cut] += layer.up_s
    sizes, tensors = problem.crossing_bytes.copy(), problem.crossing_tensors.copy()
    sizes[cut], tensors[cut] = layer.bytes, 1
    weights = problem.params_bytes
    if weights is not None:
        weights = weights.copy()
        weights[cut - 1:cut + 1] += layer.params_bytes
    return replace(problem, seconds=seconds, crossing_bytes=sizes, crossing_tensors=tensors, params_bytes=weights)


@dataclass(frozen=True)
class CutAt:
    """The blocks on both sides of this cut run on different resources."""

    cut: int

    def narrow(self, space: Space) -> None:
        beside = np.zeros(space.problem.blocks + 1, np.int64)
        beside[[self.cut, self.cut + 1]] = 1
        _at_most(space, beside, 1)

    def __str__(self) -> str:
        return f"cut behind block {self.cut}"


@dataclass(frozen=True)
class CutSomewhere:
    """No resource runs all blocks."""

    def narrow(self, space: Space) -> None:
        each = np.ones(space.problem.blocks + 1, np.int64)
        each[0] = 0
        _at_most(space, each, space.problem.blocks - 1)

    def __str__(self) -> str:
        return "cut somewhere"


@dataclass(frozen=True)
class Uncut:
    """One resource runs all blocks."""

    def narrow(self, space: Space) -> None:
        space.hops[1:-1] = False

    def __str__(self) -> str:
        return "not cut"


def _at_most(space: Space, weights: np.ndarray[tuple[int], np.dtype[np.int64]], most: int) -> None:
    total = np.cumsum(weights)
    space.uses += [(resource, total, most) for resource in range(len(space.runs))]
