"""Which transfer layers may be tried at which cuts, the most promising first."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import fx

from worker.dnn.describe import describe
from worker.dnn.shapes import Shape
from worker.events import Event
from worker.partitioning.transfer.asking import Asked
from worker.partitioning.transfer.insertion import shape_at
from worker.partitioning.transfer.layers import Halves, halves, with_int8
from worker.partitioning.transfer.options import Option
from worker.partitioning.transfer.overhead import BRIEF, Overhead, measured
from worker.partitioning.transfer.rounding import Range
from worker.partitioning.transfer.sides import Sides, Unfit

Timed = Mapping[tuple[str, Shape], Overhead]


@dataclass(frozen=True)
class Candidate:
    """A transfer layer at a cut, of a result of this shape. `sides`: where its halves would run; `predicted_s`: in how long."""

    after: str
    option: Option
    shape: Shape
    sides: int = 0
    predicted_s: float | None = None

    @property
    def name(self) -> str:
        return f"{self.option} behind {self.after}"[:110]

    @property
    def title(self) -> str:
        """The same where everybody knows behind which layer: it was named, and no cut is predicted."""
        return str(self.option) if self.predicted_s is None else self.name

    @property
    def raw_title(self) -> str:
        return "as it is" if self.predicted_s is None else f"as it is behind {self.after}"

    @property
    def raw_bytes(self) -> int:
        return Option("identity").payload_bytes(self.shape)

    @property
    def payload_bytes(self) -> int:
        return self.option.payload_bytes(self.shape)


@dataclass(frozen=True)
class Unusable:
    """What cannot stand where it was wanted, and why."""

    name: str
    why: str


def behind(network: fx.GraphModule, in_shape: Shape, asked: Asked) -> tuple[list[Candidate], list[Unusable]]:
    """At the cut that was named: what sends least first. ValueError where there is no such cut."""
    shape = shape_at(network, in_shape, asked.after)
    every = [Candidate(asked.after, option, shape) for option in asked.layers]
    fit = sorted((each for each in every if not each.option.unfit(shape)), key=lambda each: each.payload_bytes)
    return fit, [Unusable(each.name, why) for each in every if (why := each.option.unfit(shape))]


def cuts(network: fx.GraphModule, in_shape: Shape, ends: Sequence[str], least_blocks: int = 1) -> dict[str, Shape]:
    """Of the layers that a profile's blocks end with those that the network can be cut behind, and what goes across there."""
    if least_blocks >= len(ends):
        raise Unfit(f"The profiles have {len(ends)} blocks; the sender cannot run {least_blocks} of them and leave some.")
    known = describe(network, in_shape)
    sizes = {layer.name: layer.out_shape for layer in known.layers}
    whole = [cut.after for cut in known.parted(1) if cut.after != known.answer]
    found = {after: sizes[after] for after in ends[least_blocks - 1:] if after in whole}
    if not found:
        raise Unfit("The profiles end their blocks at no layer that this network can be cut behind: they are of another network.")
    return found


def timed(asked: Asked, found: Mapping[str, Shape], folder: Path, threads: int) -> Generator[
        Event, None, dict[tuple[str, Shape], Overhead]]:
    """Every transfer layer for every size, briefly, here; their weights do not matter for that."""
    known = dict[tuple[str, Shape], Overhead]()
    for shape in dict.fromkeys(found.values()):
        for option in asked.layers:
            if not option.unfit(shape):
                known[str(option), shape] = yield from measured(
                    option, ready(option, shape), shape, folder=folder, threads=threads, plan=BRIEF)
    return known


def planned(asked: Asked, every: Sequence[Sides], found: Mapping[str, Shape], known: Timed) -> list[Candidate]:
    """At the cuts of all pairs of devices: what is predicted to take least first; as cost(p) of ScissionTL has it, each once."""
    sent = [each for number, sides in enumerate(every) for each in _of_pair(asked, number, sides, found, known)]
    ordered = sorted(sent, key=lambda each: each.predicted_s or 0.0)
    best = dict[tuple[str, Option], Candidate]()
    for each in ordered:
        best.setdefault((each.after, each.option), each)
    return list(best.values())


def _of_pair(
    asked: Asked, number: int, sides: Sides, found: Mapping[str, Shape], known: Timed,
) -> Iterator[Candidate]:
    for after, shape in found.items():
        for option in asked.layers:
            overhead = known.get((str(option), shape))
            if overhead is not None and after in sides.head_s:
                way = sides.shrunk("", after, option.payload_bytes(shape), overhead)
                yield Candidate(after, option, shape, number, way.seconds(sides.bytes_per_s))


def ready(option: Option, shape: Shape) -> Halves:
    """Of these numbers, with a range that is as good as any for the stopwatch."""
    made = halves(option, shape)
    if option.numbers == "float32":
        return made
    ends = torch.ones(option.crossing(shape)[0]) if option.numbers == "int8 per channel" else torch.ones(())
    return with_int8(made, Range(-ends, ends), len(shape))
