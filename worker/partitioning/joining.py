"""Profiles of one network that were cut differently, brought to the cuts that all of them have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from worker.partitioning.unfit import Unfit
from worker.profile import Block

Blocks = Sequence[Block]


def shared_ends(every: Mapping[str, Blocks]) -> dict[str, list[int]]:
    """For each device where the joined blocks end (exclusive) among its own. Raises Unfit where no end is shared.

    A block's end is told by its last layer. The network's own end is the same for all, whatever its last layer is called.
    """
    ends = {device: [block.last for block in blocks] for device, blocks in every.items()}
    first = next(iter(ends.values()))
    if all(other == first for other in ends.values()):
        return {device: list(range(1, len(first) + 1)) for device in every}
    inner = _in_one_order([_places(names[:-1]) for names in ends.values()])
    if not inner and len({names[-1] for names in ends.values()}) > 1:
        raise Unfit({"places": f"{_listed(every)} were cut into blocks that end at no layer in common, so no plan can go from "
                               "one to another. Measure them again with the same cuts."})
    return {device: [*(at[place] + 1 for at in inner), len(names)] for place, (device, names) in enumerate(ends.items())}


def _places(names: Sequence[str]) -> dict[str, int]:
    """Where each layer ends a block; one that ends several cannot be told apart, and is no end."""
    times = Counter(names)
    return {name: place for place, name in enumerate(names) if times[name] == 1}


def _in_one_order(every: Sequence[Mapping[str, int]]) -> list[tuple[int, ...]]:
    """The places of the longest row of ends that all have, in the order that all have them in."""
    names = [name for name in every[0] if all(name in other for other in every)]
    found = [tuple(places[name] for places in every) for name in names]
    if all(a < b for one, other in pairwise(found) for a, b in zip(one, other, strict=True)):
        return found
    return _longest_chain(found)


def _longest_chain(places: Sequence[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Of points the most that rise in every coordinate; they come in the order of the first."""
    table = np.array(places)
    length, before = np.ones(len(table), np.int64), np.full(len(table), -1)
    for place in range(1, len(table)):
        behind = np.where((table[:place] < table[place]).all(axis=1), length[:place], 0)
        if behind.max() > 0:
            before[place] = int(behind.argmax())
            length[place] = behind.max() + 1
    chain, place = list[tuple[int, ...]](), int(length.argmax())
    while place >= 0:
        chain.append(tuple(places[place]))
        place = int(before[place])
    return chain[::-1]


def _listed(names: Mapping[str, Blocks]) -> str:
    *some, last = names
    return f"The profiles of {', '.join(some)} and {last}"
