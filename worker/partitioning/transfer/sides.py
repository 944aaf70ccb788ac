"""The two sides of a cut: what head, tail and the whole network take on each, and the link between; from profiles or here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.evidence import Evidence
from worker.partitioning.preparing import prepared
from worker.partitioning.transfer.asking import Asked
from worker.partitioning.transfer.overhead import Overhead
from worker.partitioning.transfer.pictures import Picture
from worker.partitioning.transfer.ways import BYTES_OF_A_MEGABIT, Way
from worker.planning.basis import basis, faults, tier
from worker.profile import NetworkProfile

HERE, THERE = "this computer", "receiver"
# What a way is called that sends nothing, or the picture as its pixels are.
PIXELS = "pixels"


class Unfit(ValueError):
    """No cut can be chosen from what is known; in a sentence."""


@dataclass(frozen=True)
class Sides:
    """Seconds of one image. `head_s` and `tail_s`: by the layer that is cut behind. `slower`: how many times as long as this
    computer each side takes for the same, by which times that were measured here are taken to be longer there."""

    sender: str
    receiver: str
    round_trip_s: float
    bytes_per_s: float
    head_s: Mapping[str, float]
    tail_s: Mapping[str, float]
    whole_s: tuple[float, float]
    slower: tuple[float, float]
    is_profiled: bool = False

    def overhead_s(self, found: Overhead) -> float:
        """Of both halves and the packing, each where it happens; packing counts as if the slower side did all of it."""
        return found.down_s * self.slower[0] + found.convert_s * max(self.slower) + found.up_s * self.slower[1]

    def raw(self, name: str, after: str, size: int) -> Way:
        return Way(name, self.head_s[after] + self.round_trip_s + self.tail_s[after], size)

    def shrunk(self, name: str, after: str, size: int, found: Overhead) -> Way:
        return Way(name, self.raw(name, after, size).fixed_s + self.overhead_s(found), size)

    def pixels(self, size: int) -> Way:
        return Way(PIXELS, self.round_trip_s + self.whole_s[1], size)

    def picture(self, found: Picture) -> Way:
        coding = found.encode_s * self.slower[0] + found.decode_s * self.slower[1]
        return Way(found.name, self.round_trip_s + coding + self.whole_s[1], found.bytes)

    def local(self) -> Way:
        return Way(f"all on {self.sender}", self.whole_s[0], 0)


def here(asked: Asked, whole_s: float, head_s: Mapping[str, float], tail_s: Mapping[str, float]) -> Sides:
    """Measured on this computer; the receiver is taken to be so many times as fast."""
    faster = 1 / asked.receiver_speed
    return Sides(HERE, THERE, asked.latency_ms / 1e3, asked.bandwidth_mbps * BYTES_OF_A_MEGABIT, head_s,
                 {after: seconds * faster for after, seconds in tail_s.items()}, (whole_s, whole_s * faster), (1.0, faster))


def profiled(asked: Asked, evidence: Evidence, whole_s: float) -> list[Sides]:
    """Of the device that holds the input and each that a link leads to from it. Raises Unfit."""
    wrong = faults(evidence, asked.network, asked.devices)
    if wrong:
        raise Unfit(" ".join(wrong.values()))
    rests = basis(evidence, asked.network, asked.devices)
    first, *others = rests.devices
    roads = {each.receiver: each for each in rests.links if each.sender == first.id}
    found = []
    for other in others:
        if other.id in roads and tier(other) > tier(first):
            seconds, ends = _joined([rests.profiles[first.id], rests.profiles[other.id]])
            road, whole = roads[other.id], (float(seconds[0].sum()), float(seconds[1].sum()))
            found.append(Sides(
                rests.names[first.id], rests.names[other.id], road.latency_ms / 1e3, road.bandwidth_mbps * BYTES_OF_A_MEGABIT,
                dict(zip(ends, np.cumsum(seconds[0]).tolist(), strict=True)),
                dict(zip(ends, (whole[1] - np.cumsum(seconds[1])).tolist(), strict=True)), whole,
                (whole[0] / whole_s, whole[1] / whole_s), is_profiled=True))
    return found


def _joined(profiles: Sequence[NetworkProfile]) -> tuple[NDArray[np.float64], list[str]]:
    """Seconds of each block on both, and the layers that blocks end with; the last one ends the network and is no cut."""
    if profiles[0].batch != 1:
        raise Unfit("A transfer layer is chosen for one image at a time, and the profiles are of larger batches.")
    network = prepared(("sender", "receiver"), profiles)
    return network.seconds, [last for _, last in network.layers]
