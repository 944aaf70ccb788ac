"""What a plan's run should take, and on what that rests."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from worker.planning.parted import LinkAsked

RESTS_ON = ("Predicted: of each part the median of {count} passes alone in the very process that then runs it, each after "
            "a pause, and of each link its latency, once, and the tensor's bytes over its bandwidth. Packing and unpacking of "
            "messages, and waiting for a processor, are not in it.")


@dataclass(frozen=True)
class Predicted:
    """Seconds of each part, and of each link between two of them."""

    stages_s: tuple[float, ...]
    hops_s: tuple[float, ...]
    passes: int

    @property
    def compute_s(self) -> float:
        return sum(self.stages_s)

    @property
    def transfer_s(self) -> float:
        return sum(self.hops_s)

    @property
    def latency_s(self) -> float:
        return self.compute_s + self.transfer_s

    @property
    def rests_on(self) -> str:
        return RESTS_ON.format(count=self.passes)


def predicted(alone_ns: Sequence[Sequence[int]], links: Sequence[LinkAsked], out_bytes: Sequence[int]) -> Predicted:
    """`alone_ns`: passes of each part; nothing for one that only holds the input. `out_bytes`: what each part hands on."""
    stages = tuple(statistics.median(samples) / 1e9 if samples else 0.0 for samples in alone_ns)
    hops = tuple(link.seconds(size) for link, size in zip(links, out_bytes, strict=False))
    return Predicted(stages, hops, min((len(samples) for samples in alone_ns if samples), default=0))
