"""Measured blocks as arrays: what each computes and moves, and how long it took on which device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worker.evidence import Seen
from worker.profile import Block, NetworkProfile

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Rows:
    """One row a block. `macs` has a column a kind of operator; `moved` are its input, output and parameters in bytes.

    `device`, `network` and `key` are numbers that stand for names: `key` is the block itself, the same on every device.
    """

    kinds: tuple[str, ...]
    macs: Floats
    moved: Floats
    seconds: Floats
    device: Ints
    network: Ints
    key: Ints

    def take(self, which: Bools) -> Rows:
        arrays: dict[str, Any] = {name: getattr(self, name)[which]
                                  for name in ("macs", "moved", "seconds", "device", "network", "key")}
        return replace(self, **arrays)

    def __len__(self) -> int:
        return len(self.seconds)

    @property
    def all_macs(self) -> Floats:
        total: Floats = self.macs.sum(axis=1)
        return total

    @cached_property
    def shares(self) -> Floats:
        """Each block's part of its network's time on its device: a block that takes no time is not worth a fault elsewhere."""
        which = np.unique(np.stack([self.device, self.network]), axis=1, return_inverse=True)[1].reshape(-1)
        shares: Floats = self.seconds / np.bincount(which, weights=self.seconds)[which]
        return shares


def name_of(profile: NetworkProfile) -> str:
    """What makes two profiles ones of the same network: its file where that is known, else what it is called."""
    return profile.sha256 or profile.network


def kinds_of(block: Block) -> dict[str, int]:
    """MACs by kind of operator; where nobody said the kinds, all are of one that has no name."""
    return {kind: count for kind, count in block.kinds.items() if count} or ({"": block.macs} if block.macs else {})


def moved_bytes(profile: NetworkProfile) -> list[int]:
    """What each block reads and writes: the result before it, its own, its parameters."""
    given = [profile.input_bytes or 0, *(block.output_bytes for block in profile.blocks)]
    return [before + block.output_bytes + (block.params_bytes or 0) for before, block in zip(given, profile.blocks, strict=False)]


def rows_of(seen: Sequence[Seen], *also: NetworkProfile) -> tuple[Rows, list[Rows]]:
    """All measured blocks, and those of other networks in the same columns (of no device: -1)."""
    profiles = [*((each.device, each.profile) for each in seen), *(("", profile) for profile in also)]
    kinds = tuple(sorted({kind for _, profile in profiles for block in profile.blocks for kind in kinds_of(block)}))
    numbers: dict[str, dict[str, int]] = {"device": {}, "network": {}, "key": {}}
    tables = [_table(profile, device, kinds, numbers) for device, profile in profiles]
    return _joined(kinds, tables[:len(seen)]), tables[len(seen):]


def _table(profile: NetworkProfile, device: str, kinds: tuple[str, ...], numbers: dict[str, dict[str, int]]) -> Rows:
    count, name = len(profile.blocks), name_of(profile)
    keys = [_number(numbers["key"], f"{name}|{block.first}|{block.last}") for block in profile.blocks]
    macs = [[kinds_of(block).get(kind, 0) for kind in kinds] for block in profile.blocks]
    return Rows(
        kinds=kinds, moved=np.array(moved_bytes(profile), dtype=float), macs=np.array(macs, dtype=float).reshape(count, -1),
        seconds=np.array([block.seconds for block in profile.blocks], dtype=float),
        device=np.full(count, _number(numbers["device"], device) if device else -1),
        network=np.full(count, _number(numbers["network"], name)), key=np.array(keys, dtype=np.int64),
    )


def _number(known: dict[str, int], name: str) -> int:
    return known.setdefault(name, len(known))


def _joined(kinds: tuple[str, ...], tables: list[Rows]) -> Rows:
    def one(name: str) -> Any:
        return np.concatenate([getattr(table, name) for table in tables])

    return Rows(kinds, one("macs"), one("moved"), one("seconds"), one("device"), one("network"), one("key"))
