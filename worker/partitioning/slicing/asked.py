"""What a run is asked for, as its measuring half knows it: read from the order that the preparing half left. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from worker.context import Context
from worker.orders import Order
from worker.partitioning.slicing.setup import BESIDE_TENSORS, Engine
from worker.planning.parted import LinkAsked, Planned
from worker.profiling.written import Written

LEAST_PATIENCE_S = 30.0
NOTHING_PLANNED = Planned()


@dataclass(frozen=True)
class Asked:
    """`links`: what lies between the parts, in order. `emulated`: whether that is made on this computer. `repeats`: passes of
    each part alone. `different`: images that are not the same; they are sent again and again.
    `planned`: what a planner said, where one did. `relayed`: the parts whose frames the portal carries."""

    variant: Written
    pieces: Sequence[dict[str, Any]]
    links: Sequence[LinkAsked]
    engine: Engine
    images: int
    warmup: int
    dataset: str
    emulated: bool = True
    repeats: int = 30
    different: int = 1000
    planned: Planned = NOTHING_PLANNED
    relayed: tuple[int, ...] = ()

    @property
    def names(self) -> list[str]:
        return [str(piece["name"]) for piece in self.pieces]

    @property
    def out_bytes(self) -> list[int]:
        return [int(piece["out_bytes"]) for piece in self.pieces]

    @property
    def links_are(self) -> list[str]:
        """Of each link what it is: emulated, relayed or real."""
        if self.emulated:
            return ["emulated"] * len(self.links)
        return ["relayed" if part in self.relayed else "real" for part, _ in enumerate(self.links, 2)]

    @property
    def most_bytes(self) -> int:
        """Of one frame; the raw input is what the first part is given."""
        return BESIDE_TENSORS + 2 * max(self.out_bytes)

    @property
    def patience_s(self) -> float:
        """Several times what all links take; what computing takes nobody knows yet."""
        return LEAST_PATIENCE_S + 5 * sum(link.seconds(size) for link, size in zip(self.links, self.out_bytes, strict=False))


def asked(
    order: Order, *, engine: Engine, images: int, warmup: int, context: Context, emulated: bool = True,
    planned: Planned = NOTHING_PLANNED,
) -> Asked:
    facts = order.facts
    relayed = () if emulated else tuple(host.part for host in context.hosts if host.relayed)
    return Asked(Written.from_summary(facts["network"], context.workdir), facts["pieces"],
                 [LinkAsked(**link) for link in facts["links"]], engine, images, warmup, facts["dataset"], emulated,
                 different=facts["different"], planned=planned, relayed=relayed)
