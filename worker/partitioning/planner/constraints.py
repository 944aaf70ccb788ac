"""What a person may ask of plans. Each says itself in words, and takes from the space what breaks it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from worker.partitioning.planner.problem import NEVER, Floats, Problem, scale_of, whole
from worker.partitioning.planner.space import Budget, Space

MEGABYTE = 10**6
Where = int | str  # a tier, or a resource by its name


class Constraint(Protocol):
    """Kept by a plan or not, whatever other plans there are."""

    def narrow(self, space: Space) -> None: ...
    def __str__(self) -> str: ...


@dataclass(frozen=True)
class TierUsed:
    """Some block runs in this tier."""

    tier: int

    def narrow(self, space: Space) -> None:
        tiers = space.problem.tiers
        before, behind = tiers < self.tier, tiers > self.tier
        space.hops[1:-1, before[:, None] & behind] = False
        space.hops[0, :, behind] = False
        space.finishes &= ~before

    def __str__(self) -> str:
        return f"tier {self.tier} is used"


@dataclass(frozen=True)
class TierUnused:
    """No block runs in this tier."""

    tier: int

    def narrow(self, space: Space) -> None:
        space.runs[space.problem.tiers == self.tier] = False

    def __str__(self) -> str:
        return f"tier {self.tier} is not used"


@dataclass(frozen=True)
class Used:
    """Some block runs on this resource."""

    resource: str

    def narrow(self, space: Space) -> None:
        place = _place(space.problem, self.resource)
        tier = int(space.problem.tiers[place])
        TierUsed(tier).narrow(space)
        others = space.problem.tiers == tier
        others[place] = False
        space.runs[others] = False

    def __str__(self) -> str:
        return f"{self.resource} is used"


@dataclass(frozen=True)
class Unused:
    """No block runs on this resource."""

    resource: str

    def narrow(self, space: Space) -> None:
        space.runs[_place(space.problem, self.resource)] = False

    def __str__(self) -> str:
        return f"{self.resource} is not used"


@dataclass(frozen=True)
class RunsIn:
    """These blocks run in this tier, whichever of its resources it is, or on this resource."""

    where: Where
    blocks: tuple[int, ...]

    def narrow(self, space: Space) -> None:
        for block in self.blocks:
            space.runs[~_rows(space.problem, self.where), block] = False

    def __str__(self) -> str:
        return f"{_blocks(self.blocks)} in {_where(self.where)}"


@dataclass(frozen=True)
class RunsNotIn:
    """None of these blocks runs in this tier, or on this resource."""

    where: Where
    blocks: tuple[int, ...]

    def narrow(self, space: Space) -> None:
        for block in self.blocks:
            space.runs[_rows(space.problem, self.where), block] = False

    def __str__(self) -> str:
        return f"{_blocks(self.blocks)} not in {_where(self.where)}"


@dataclass(frozen=True)
class BytesOut:
    """What leaves this tier or resource in one message is no larger; the raw input counts where nothing runs there."""

    where: Where
    most: int

    def narrow(self, space: Space) -> None:
        inside = _rows(space.problem, self.where)
        _stop(space, space.problem.crossing_bytes > self.most, np.broadcast_to(inside[:, None], space.hops.shape[1:]))

    def __str__(self) -> str:
        return f"at most {self.most / MEGABYTE:g} MB out of {_where(self.where)}"


@dataclass(frozen=True)
class CrossingTensors:
    """No cut has more tensors across it."""

    most: int

    def narrow(self, space: Space) -> None:
        over = space.problem.crossing_tensors > self.most
        over[[0, -1]] = False
        _stop(space, over, np.ones(space.hops.shape[1:], np.bool_))

    def __str__(self) -> str:
        return f"at most {self.most} crossing tensor{'s' * (self.most != 1)}"


@dataclass(frozen=True)
class InputStays:
    """The raw input never leaves the resource that holds it, so the first block runs there."""

    def narrow(self, space: Space) -> None:
        source = space.problem.source
        space.runs[np.arange(len(space.runs)) != source, 0] = False

    def __str__(self) -> str:
        return "the raw input never leaves its device"


@dataclass(frozen=True)
class SecondsIn:
    """All that runs in this tier, or on this resource, takes no longer; what goes over links is not counted."""

    where: Where
    most: float

    def narrow(self, space: Space) -> None:
        _limit(space, self.where, space.problem.seconds, self.most)

    def __str__(self) -> str:
        return f"at most {self.most:g} s in {_where(self.where)}"


@dataclass(frozen=True)
class JoulesIn:
    """All that runs in this tier, or on this resource, takes no more energy."""

    where: Where
    most: float

    def narrow(self, space: Space) -> None:
        if space.problem.joules is None:
            raise ValueError("energy cannot be limited: none was given")
        _limit(space, self.where, space.problem.joules, self.most)

    def __str__(self) -> str:
        return f"at most {self.most:g} J in {_where(self.where)}"


@dataclass(frozen=True)
class MemoryOf:
    """What a resource runs, or each of a tier, fits: the weights of its blocks and the most that is alive at once."""

    where: Where
    most: int

    def narrow(self, space: Space) -> None:
        problem = space.problem
        if problem.params_bytes is None or problem.activation_bytes is None:
            raise ValueError("memory cannot be limited: sizes of weights and activations were not given")
        weights = np.concatenate(([0], np.cumsum(problem.params_bytes)))
        space.peaks += [(place, weights, problem.activation_bytes, self.most) for place in _places(problem, self.where)]

    def __str__(self) -> str:
        return f"at most {self.most / MEGABYTE:g} MB on {_where(self.where)}"


@dataclass(frozen=True)
class ShareIn:
    """All that runs there takes no more than so many percent of all computing; what goes over links is not counted."""

    where: Where
    most_percent: float

    def narrow(self, space: Space) -> None:
        problem = space.problem
        inside = _rows(problem, self.where)[:, None]
        signed = problem.seconds * np.where(inside, 100 - self.most_percent, -self.most_percent)
        space.budgets.append(_budget(signed, np.zeros_like(problem.transfer_s), 0.0))

    def __str__(self) -> str:
        return f"at most {self.most_percent:g} % of the computing in {_where(self.where)}"


@dataclass(frozen=True)
class BytesInAll:
    """All messages of a plan together are no larger."""

    most: int

    def narrow(self, space: Space) -> None:
        sizes = np.where(_moves(space), space.problem.crossing_bytes[:, None, None], 0)
        space.budgets.append(Budget(np.zeros(space.runs.shape, np.int64), sizes.astype(np.int64), self.most))

    def __str__(self) -> str:
        return f"at most {self.most / MEGABYTE:g} MB over all links"


@dataclass(frozen=True)
class JoulesInAll:
    """All that a plan computes and sends takes no more energy."""

    most: float

    def narrow(self, space: Space) -> None:
        problem = space.problem
        if problem.joules is None:
            raise ValueError("energy cannot be limited: none was given")
        each = np.zeros_like(problem.latency_s) if problem.joules_per_byte is None else problem.joules_per_byte
        sent = np.where(_moves(space), problem.crossing_bytes[:, None, None] * each, 0.0)
        space.budgets.append(_budget(problem.joules, sent, self.most))

    def __str__(self) -> str:
        return f"at most {self.most:g} J in all"


def _moves(space: Space) -> NDArray[np.bool_]:
    return ~np.eye(len(space.runs), dtype=np.bool_)


def _budget(blocks: Floats, hops: Floats, most: float) -> Budget:
    scale = scale_of(float(np.abs(blocks).max(axis=0).sum() + np.abs(hops).max() * len(blocks)))
    return Budget(whole(blocks, scale), whole(hops, scale), round(min(most * scale, NEVER / 4)))


def _stop(space: Space, cuts: NDArray[np.bool_], pairs: NDArray[np.bool_]) -> None:
    """Nothing goes from one resource to another, of these pairs, across these cuts; what stays where it is may."""
    space.hops[cuts] &= ~(pairs & _moves(space))


def _limit(space: Space, where: Where, used: Floats, most: float) -> None:
    """A chain has one resource of a tier at most, so a limit of the tier is a limit of each."""
    for resource in _places(space.problem, where):
        scale = scale_of(float(used[resource].sum()))
        total = np.concatenate(([0], np.cumsum(whole(used[resource], scale))))
        space.uses.append((resource, total, round(min(most * scale, NEVER))))


def _rows(problem: Problem, where: Where) -> NDArray[np.bool_]:
    """R: which resources are meant."""
    if isinstance(where, int):
        return np.equal(problem.tiers, where)
    found = np.zeros(len(problem.resources), np.bool_)
    found[_place(problem, where)] = True
    return found


def _places(problem: Problem, where: Where) -> list[int]:
    return [int(place) for place in np.flatnonzero(_rows(problem, where))]


def _where(where: Where) -> str:
    return f"tier {where}" if isinstance(where, int) else where


def _place(problem: Problem, name: str) -> int:
    names = [each.name for each in problem.resources]
    if name not in names:
        raise ValueError(f"{name!r} is no resource; there are {', '.join(names)}")
    return names.index(name)


def _blocks(blocks: tuple[int, ...]) -> str:
    return f"block{'s' * (len(blocks) > 1)} {', '.join(str(block + 1) for block in blocks)}"
