"""What NeuroFlux will do with a budget, before a second is spent: blocks, batches and bytes, as plain data.

Saikumar, Varghese: "NeuroFlux: Memory-Efficient CNN Training Using Adaptive Local Learning", EuroSys 2024, arXiv 2402.14139. That
blocks are made by how much memory units need, and have batches of their own, is the paper's; the greedy rule and its tolerance,
that a block also ends where its resident weights would shrink the batch beyond the tolerance, and that a cap on the batch has no
say in where blocks end, are reconstructions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from worker import budgets
from worker.training.memory.demand import Demand

NO_CAP = 2**31  # more images than a step ever takes


class Infeasible(ValueError):
    """A budget that one step does not fit into; `needed_bytes` is the smallest budget that it does."""

    def __init__(self, sentence: str, needed_bytes: int) -> None:
        super().__init__(sentence)
        self.needed_bytes = needed_bytes


@dataclass(frozen=True)
class Want:
    """A unit with its exit. `least`: the smallest batch it can train on, two with batch-norm. Bytes as `worker.training.memory`
    counts them, alone; `resident_bytes` stay between its steps while others of its block learn."""

    name: str
    demand: Demand
    resident_bytes: int
    least: int


@dataclass(frozen=True)
class Budget:
    """`margin`: the share that is kept free for what no tensor shows. `cap`: no batch is larger."""

    bytes: int
    margin: float = 0.05
    cap: int = 256
    tolerance: float = 0.4

    @property
    def usable(self) -> int:
        return int(self.bytes * (1 - self.margin))

    def needed(self, bytes_: int) -> int:
        """The budget that so many bytes are the usable part of."""
        found = int(bytes_ / (1 - self.margin))
        while int(found * (1 - self.margin)) < bytes_:
            found += 1
        return found


@dataclass(frozen=True)
class PlannedUnit:
    """`largest_batch`: what would fit if it were alone; `line`: bytes at rest and bytes a sample of the line above its demand."""

    name: str
    largest_batch: int
    line: tuple[int, int]
    resident_bytes: int


@dataclass(frozen=True)
class PlannedBlock:
    """Units `first` to `last` (from 1), trained together, `batch` images a step."""

    first: int
    last: int
    batch: int
    predicted_bytes: int
    resident_bytes: int

    @property
    def numbers(self) -> range:
        return range(self.first, self.last + 1)

    @property
    def words(self) -> str:
        return f"unit {self.first}" if self.first == self.last else f"units {self.first} to {self.last}"

    @property
    def name(self) -> str:
        """In the little room that an axis has."""
        return self.words.replace(" to ", "-")


@dataclass(frozen=True)
class Plan:
    """All of it; `as_json` is what the command, the summary and the page show."""

    budget_bytes: int
    usable_bytes: int
    units: tuple[PlannedUnit, ...]
    blocks: tuple[PlannedBlock, ...]

    @property
    def predicted_bytes(self) -> int:
        return max(block.predicted_bytes for block in self.blocks)

    def as_json(self) -> dict[str, Any]:
        return {"budget_bytes": self.budget_bytes, "usable_bytes": self.usable_bytes, "predicted_bytes": self.predicted_bytes,
                "units": [asdict(unit) | {"line": list(unit.line)} for unit in self.units],
                "blocks": [asdict(block) for block in self.blocks]}


def planned(wants: Sequence[Want], budget: Budget) -> Plan:
    """Blocks of neighbouring units whose largest batches are alike; Infeasible, with the bytes of the unit that needs most, where
    one does not fit.

    A unit joins while its own largest batch is within the tolerance of the block's first, and while the batch that is left with
    all weights of the block resident is not below that of the first by more than the tolerance either. These are the batches that
    memory alone would allow: were they capped, a small cap would make all of them alike, and one block of the whole network.
    """
    alone = _each_alone(wants, budget)
    blocks = _by_memory(wants, replace(budget, cap=NO_CAP))
    return _plan(wants, alone, [_block(wants, block, budget) for block in blocks], budget)


def _by_memory(wants: Sequence[Want], budget: Budget) -> list[list[int]]:
    alone = [want.demand.largest(budget.usable, budget.cap) for want in wants]
    blocks: list[list[int]] = []
    for place, largest in enumerate(alone):
        reference = alone[blocks[-1][0]] if blocks else 0
        joined = [wants[each] for each in (*blocks[-1], place)] if blocks else []
        alike = reference and abs(largest - reference) <= budget.tolerance * reference
        if alike and _batch(joined, budget) >= max((1 - budget.tolerance) * reference, _least(joined)):
            blocks[-1].append(place)
        else:
            blocks.append([place])
    return blocks


def one_sweep(wants: Sequence[Want], budget: Budget) -> Plan:
    """Classic local learning: all units in one block with one batch; Infeasible where that does not fit."""
    if _batch(wants, budget) < _least(wants):
        least = _least(wants)
        needed = budget.needed(_bytes(wants, least))
        raise Infeasible(_sentence(f"a training step of all {len(wants)} units together", needed, least, budget), needed)
    return _plan(wants, _each_alone(wants, budget), [_block(wants, list(range(len(wants))), budget)], budget)


def whole(want: Want, budget: Budget) -> Plan:
    """One step of a whole network; Infeasible where it does not fit."""
    largest = _alone(0, want, budget)
    return _plan([want], [largest], [_block([want], [0], budget)], budget)


def _plan(wants: Sequence[Want], alone: Sequence[int], blocks: Sequence[PlannedBlock], budget: Budget) -> Plan:
    told = (PlannedUnit(want.name, largest, (want.demand.at_rest, want.demand.a_sample), want.resident_bytes)
            for want, largest in zip(wants, alone, strict=True))
    return Plan(budget.bytes, budget.usable, tuple(told), tuple(blocks))


def _each_alone(wants: Sequence[Want], budget: Budget) -> list[int]:
    """The unit that needs most is asked first: who then asks for the bytes that it names is not refused for another one's."""
    hungriest = max(range(len(wants)), key=lambda place: wants[place].demand.bytes(wants[place].least))
    _alone(hungriest + 1, wants[hungriest], budget)
    return [_alone(number, want, budget) for number, want in enumerate(wants, 1)]


def _alone(number: int, want: Want, budget: Budget) -> int:
    largest = want.demand.largest(budget.usable, budget.cap)
    if largest < want.least:
        needed = budget.needed(want.demand.bytes(want.least))
        who = f"unit {number} ({want.name})" if number else want.name
        raise Infeasible(_sentence(who, needed, want.least, budget), needed)
    return largest


def _sentence(who: str, needed: int, least: int, budget: Budget) -> str:
    samples = "one sample" if least == 1 else "two samples, the fewest that batch-norm learns from"
    free = f", {100 * budget.margin:g} % of it kept free" if budget.margin else ""
    return (f"{budgets.REFUSED}{budgets.said(budget.bytes)} is too small: {who} needs {budgets.enough(needed)} "
            f"for {samples}{free}.")


def _block(wants: Sequence[Want], places: Sequence[int], budget: Budget) -> PlannedBlock:
    inside = [wants[place] for place in places]
    batch = _batch(inside, budget)
    return PlannedBlock(places[0] + 1, places[-1] + 1, batch, _bytes(inside, batch), sum(want.resident_bytes for want in inside))


def _least(wants: Sequence[Want]) -> int:
    return max(want.least for want in wants)


def _batch(wants: Sequence[Want], budget: Budget) -> int:
    """The smallest of the largest batches, the others' weights and optimiser states lying beside each."""
    return min(demand.largest(budget.usable, budget.cap) for demand in _beside(wants))


def _bytes(wants: Sequence[Want], batch: int) -> int:
    return max(demand.bytes(batch) for demand in _beside(wants))


def _beside(wants: Sequence[Want]) -> list[Demand]:
    resident = sum(want.resident_bytes for want in wants)
    return [want.demand.beside(resident - want.resident_bytes) for want in wants]
