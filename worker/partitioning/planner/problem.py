"""What a plan is made for: resources in tiers, times, bytes, links."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

PICOSECONDS = 10**12
NEVER: int = 2**60  # costs more than any plan; two of them still fit
DEAREST: int = NEVER // 2  # no plan's cost comes to more; a sum above it has a NEVER in it, less what others may give


@dataclass(frozen=True)
class Resource:
    """A device that may run blocks. `tier` counts from the sensor on: work only ever moves to a higher one."""

    name: str
    tier: int


@dataclass(frozen=True)
class Problem:
    """All that plans of one network are judged by. Resources are ordered by tier; N blocks, R resources.

    seconds: R x N, the time of each block on each resource.
    crossing_bytes: N + 1, what goes over a link when it is cut before block i: the input first, the result last.
    latency_s, bytes_per_s: R x R, what a message between two resources waits, and how fast its bytes go; 0 where no link is.
    source: the resource that holds the input. returns: whether the result must come back to it.
    crossing_tensors: N + 1, how many tensors cross each cut.
    joules: R x N, energy of each block; joules_per_byte: R x R, energy of a byte on its way.
    params_bytes: N, weights of each block; activation_bytes: N, the most that is alive at once while it runs.

    Raises ValueError where shapes or numbers cannot be.
    """

    resources: tuple[Resource, ...]
    seconds: Floats
    crossing_bytes: Ints
    latency_s: Floats
    bytes_per_s: Floats
    source: int = 0
    returns: bool = False
    crossing_tensors: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    joules: Floats | None = None
    joules_per_byte: Floats | None = None
    params_bytes: Ints | None = None
    activation_bytes: Ints | None = None

    def __post_init__(self) -> None:
        count, blocks = len(self.resources), self.seconds.shape[-1]
        if not count or not blocks:
            raise ValueError("a plan needs at least one resource and one block")
        if not len(self.crossing_tensors):
            object.__setattr__(self, "crossing_tensors", np.ones(blocks + 1, np.int64))
        square, table, cuts = (count, count), (count, blocks), (blocks + 1,)
        shapes = {"seconds": table, "crossing_bytes": cuts, "latency_s": square, "bytes_per_s": square, "crossing_tensors": cuts,
                  "joules": table, "joules_per_byte": square, "params_bytes": (blocks,), "activation_bytes": (blocks,)}
        for name, shape in shapes.items():
            _judge(name, getattr(self, name), shape)
        tiers = [each.tier for each in self.resources]
        if tiers != sorted(tiers):
            raise ValueError(f"resources must be ordered by tier; got {tiers}")
        if not 0 <= self.source < count:
            raise ValueError(f"source must be one of the {count} resources; got {self.source}")

    @property
    def blocks(self) -> int:
        return int(self.seconds.shape[1])

    @cached_property
    def tiers(self) -> NDArray[np.int64]:
        return np.array([each.tier for each in self.resources], np.int64)

    @cached_property
    def transfer_s(self) -> Floats:
        """(N + 1) x R x R: seconds until what crosses cut i is at the other resource; infinite without a link, 0 to itself."""
        with np.errstate(divide="ignore"):
            slowness = np.where(self.bytes_per_s > 0, 1 / self.bytes_per_s, np.inf)
        linked = np.isfinite(slowness)
        took = self.crossing_bytes[:, None, None] * np.where(linked, slowness, 0.0) + self.latency_s
        took = np.where(linked, took, np.inf)
        here = np.arange(len(self.resources))
        took[:, here, here] = 0.0
        return took


@dataclass(frozen=True)
class Costs:
    """What parts of a plan cost, in whole units, so that sums are exact: blocks R x N; hops (N + 1) x R x R."""

    blocks: Ints
    hops: Ints


def _judge(name: str, values: NDArray[np.generic] | None, shape: tuple[int, ...]) -> None:
    if values is None:
        return
    if values.shape != shape:
        raise ValueError(f"{name} must have the shape {shape}; got {values.shape}")
    if not np.isfinite(values).all() or values.min(initial=0) < 0:
        raise ValueError(f"{name} must be finite and not negative")


def scale_of(most: float) -> float:
    """Units in one second (or joule): picoseconds, or as fine as an int64 holds where sums may reach `most`."""
    scale = float(PICOSECONDS)
    while most * scale > NEVER / 4:
        scale /= 10
    return scale


def whole(values: Floats, scale: float) -> Ints:
    """The same in whole units; what is infinite is NEVER."""
    return np.rint(np.where(np.isfinite(values), values * scale, NEVER)).astype(np.int64)
