"""What the profiles of one network say together: a table of times, what crosses each cut, what blocks weigh.

It depends on nothing but the profiles, so that whoever asks again with other links or rules has it at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import fsum

import numpy as np

from worker.partitioning.cautions import cautions, unequal_bytes
from worker.partitioning.joining import shared_ends
from worker.partitioning.planner.problem import Floats, Ints
from worker.partitioning.telling import listed
from worker.partitioning.unfit import Unfit
from worker.profile import Block, NetworkProfile

REMEMBERED = 64


@dataclass(frozen=True)
class Network:
    """R devices in the order given, N blocks after joining. None stands for what no profile says.

    layers: first and last layer of each block. output_bytes, output_tensors: N, what crosses the cut behind each block.
    joules: by device, N or None. warnings: what a reader of any plan must know.
    """

    layers: tuple[tuple[str, str], ...]
    seconds: Floats
    output_bytes: Ints
    input_bytes: int | None
    params_bytes: Ints | None
    activation_bytes: Ints | None
    output_tensors: Ints | None
    joules: tuple[Floats | None, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Told:
    """A device's profile, known again by what it is and not by what stands in it."""

    device: str
    profile: NetworkProfile

    def __hash__(self) -> int:
        return hash((self.device, id(self.profile)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Told) and self.device == other.device and self.profile is other.profile


def prepared(devices: Sequence[str], profiles: Sequence[NetworkProfile]) -> Network:
    """The same profiles again cost nothing. Raises Unfit where they do not go together."""
    return _prepared(tuple(map(_Told, devices, profiles)))


@lru_cache(maxsize=REMEMBERED)
def _prepared(told: tuple[_Told, ...]) -> Network:
    by_device = {each.device: each.profile for each in told}
    _judge_batch(by_device)
    ends = shared_ends({device: profile.blocks for device, profile in by_device.items()})
    parts = [_Parts(each.profile.blocks, ends[each.device]) for each in told]
    sizes = np.array([[some[-1].output_bytes for some in part.joined] for part in parts], np.int64)
    inputs = {device: profile.input_bytes for device, profile in by_device.items() if profile.input_bytes is not None}
    return Network(
        layers=parts[0].layers, seconds=np.array([part.sums(lambda block: block.seconds) for part in parts], np.float64),
        output_bytes=sizes.max(axis=0), input_bytes=max(inputs.values(), default=None),
        params_bytes=_known([part.sums(lambda block: block.params_bytes) for part in parts]),
        activation_bytes=_known([part.most(lambda block: block.activation_bytes) for part in parts]),
        output_tensors=_known([part.lasts(lambda block: block.output_tensors) for part in parts]),
        joules=tuple(joules if joules is None else np.array(joules, np.float64)
                     for joules in (part.sums(lambda block: block.joules) for part in parts)),
        warnings=(*cautions(by_device, ends), *unequal_bytes(inputs, sizes)))


def _known(every: Sequence[Sequence[float] | None]) -> Ints | None:
    """The first that knows it says it for all: it is a matter of the network, not of the device."""
    found = next((each for each in every if each is not None), None)
    return None if found is None else np.array(found, np.int64)


class _Parts:
    """A profile's blocks, joined to those that end at `ends`."""

    def __init__(self, blocks: Sequence[Block], ends: Sequence[int]) -> None:
        self.joined = [blocks[first:stop] for first, stop in pairwise((0, *ends))]

    @property
    def layers(self) -> tuple[tuple[str, str], ...]:
        return tuple((some[0].first, some[-1].last) for some in self.joined)

    def sums(self, of: Callable[[Block], float | None]) -> list[float] | None:
        """None where one block does not say it."""
        return self._each(of, fsum)

    def most(self, of: Callable[[Block], float | None]) -> list[float] | None:
        return self._each(of, max)

    def lasts(self, of: Callable[[Block], float | None]) -> list[float] | None:
        return self._each(of, lambda said: said[-1])

    def _each(self, of: Callable[[Block], float | None], reckoned: Callable[[list[float]], float]) -> list[float] | None:
        found = list[float]()
        for some in self.joined:
            known = [value for block in some if (value := of(block)) is not None]
            if len(known) < len(some):
                return None
            found.append(reckoned(known))
        return found


def _judge_batch(profiles: Mapping[str, NetworkProfile]) -> None:
    said = {device: profile.batch for device, profile in profiles.items()}
    if len(set(said.values())) > 1:
        found = listed([f"{batch} on {device}" for device, batch in said.items()])
        raise Unfit({"places": f"The profiles are of batches of different sizes: {found}. Choose profiles of one size."})
