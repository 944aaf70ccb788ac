"""Which share of a run's training each of its parts is: the bar of a run weighs epochs by what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from worker.training.loop import Share


@dataclass(frozen=True)
class Part:
    """Some epochs of a network with so many multiply-accumulates an image."""

    epochs: int
    macs: int

    @property
    def work(self) -> int:
        return self.epochs * self.macs


def share(parts: Mapping[str, Part], name: str) -> Share:
    """That of `name` among `parts`, which come one after another; one alone needs no weighing."""
    names = list(parts)
    behind = names[: names.index(name)]
    before, total = (sum(parts[each].epochs for each in some) for some in (behind, names))
    work = sum(part.work for part in parts.values())
    alone = sum(1 for part in parts.values() if part.epochs) <= 1
    if alone or not work:
        return Share(before, total)
    begin = sum(parts[each].work for each in behind) / work
    return Share(before, total, (begin, 1.0 if name == names[-1] else begin + parts[name].work / work))
