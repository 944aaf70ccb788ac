"""The difference between two versions of a network's file, as bytes that turn the one into the other exactly.

    EPCHANGE1 | length of the header, 4 bytes | header, JSON | positions | values | tensors sent whole

The header names the base and the result by their SHA-256. Chosen are weights of convolutions and matrices, over all layers in the
order of the file; of all other tensors (biases, batch-norm and its statistics) those that changed are sent whole. Nothing is
pickled, and every length is checked before anything is allocated. NumPy alone: a board applies it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from worker.updating.places import ITEMS, Array, Place, places
from worker.updating.positions import Coded, Coding, Positions, Uncoded, coded, decoded

MAGIC = b"EPCHANGE1"
MOST_HEADER_BYTES = 100_000
VALUE_BYTES = 4
HASH_DIGITS = 64


class Unusable(ValueError):
    """A change that cannot be taken; the text is one sentence for a person."""


@dataclass(frozen=True)
class Account:
    """Where the bytes of a change go. `count`: weights that are sent; `other_bytes`: biases, batch-norm and its statistics."""

    count: int
    coding: Coding
    value_bytes: int
    position_bytes: int
    other_bytes: int
    header_bytes: int

    @property
    def total(self) -> int:
        return self.value_bytes + self.position_bytes + self.other_bytes + self.header_bytes


@dataclass(frozen=True)
class Change:
    """A change whose lengths fit together. `whole`: by place in the file, which of the other tensors are sent.

    `blank`: the weights that are not sent become 0 instead of staying what they are in the base.
    """

    base: str
    result: str
    count: int
    positions: Coded
    values: bytes
    whole: frozenset[int]
    others: bytes
    blank: bool
    header_bytes: int

    @property
    def account(self) -> Account:
        return Account(self.count, self.positions.coding, len(self.values), len(self.positions.body), len(self.others),
                       self.header_bytes)


def sha256(body: bytes | bytearray) -> str:
    return hashlib.sha256(body).hexdigest()


def make(base: bytes, result: bytes, *, blank: bool = False, whole: bool = False) -> bytes:
    """The change from one file to the other, which differ in their tensors' numbers alone.

    `blank`: say weights against zero, not against the base. `whole`: send every number, as one does who chooses none.
    Unusable when the files differ in anything else.
    """
    found = places(base)
    if found != places(result):
        raise Unusable("The two files are not versions of one network: their tensors differ in name, type, shape or place.")
    weights, others = _parted(found)
    old, new = _joined(weights, base), _joined(weights, result)
    at: Positions = np.flatnonzero(new != (0 if blank else old)) if not whole else np.arange(len(new))
    named = coded(at, len(new))
    sent = [place for place, tensor in enumerate(others) if whole or (tensor.of(base) != tensor.of(result)).any()]
    header = {"base": sha256(base), "result": sha256(result), "blank": int(blank), "count": len(at), "coding": named.coding,
              "bits": named.remainder_bits, "positions": len(named.body), "whole": _marked(sent, len(others))}
    body = _framed(header, [named.body, new[at].tobytes(), *(others[place].of(result).tobytes() for place in sent)])
    try:
        applied(base, read(body))
    except Unusable:
        raise Unusable("The two files differ in more than the numbers of their tensors.") from None
    return body


def read(body: bytes) -> Change:
    """A change whose parts have the lengths that it claims. Unusable otherwise; nothing of it is carried out."""
    header, begin = _header(body)
    count, length = _number(header, "count"), _number(header, "positions")
    if header.get("coding") not in get_args(Coding):
        raise Unusable("The change says its positions in a way that is not known here.")
    for name in ("base", "result"):
        if not isinstance(header.get(name), str) or len(header[name]) != HASH_DIGITS:
            raise Unusable(f"The change does not name its {name} by a SHA-256.")
    values, others = begin + length, begin + length + VALUE_BYTES * count
    if others > len(body):
        raise Unusable(f"The change is cut off: it claims {others:,} bytes and has {len(body):,}.")
    return Change(header["base"], header["result"], count, Coded(header["coding"], body[begin:values], _number(header, "bits")),
                  body[values:others], _unmarked(header.get("whole")), body[others:], header.get("blank") == 1, begin)


def applied(base: bytes, change: Change) -> bytes:
    """The new file. Unusable when `base` is another file than it was made for, or something else comes out than it says."""
    if sha256(base) != change.base:
        raise Unusable("The change was made for another network: one whose SHA-256 begins with "
                       f"{change.base[:12]}, and this one's begins with {sha256(base)[:12]}.")
    weights, others = _parted(places(base))
    _fits(change, weights, others)
    try:
        at = decoded(change.positions, change.count, sum(place.size for place in weights))
    except Uncoded as why:
        raise Unusable(f"The change's positions do not fit: {why}.") from None
    fresh = bytearray(base)
    _scatter(fresh, weights, at, change)
    begin = 0
    for place in sorted(change.whole):
        view = others[place].of(fresh)
        view[:] = np.frombuffer(change.others, dtype=view.dtype, count=len(view), offset=begin)
        begin += view.nbytes
    if sha256(fresh) != change.result:
        raise Unusable("The change does not make of the network what it says.")
    return bytes(fresh)


def _scatter(fresh: bytearray, weights: Sequence[Place], at: Positions, change: Change) -> None:
    values = np.frombuffer(change.values, dtype=ITEMS["F32"])
    begin = 0
    for place in weights:
        view, first, last = place.of(fresh), *np.searchsorted(at, [begin, begin + place.size])
        if change.blank:
            view[:] = 0
        view[at[first:last] - begin] = values[first:last]
        begin += place.size


def _parted(found: Sequence[Place]) -> tuple[list[Place], list[Place]]:
    return [place for place in found if place.is_weight], [place for place in found if not place.is_weight]


def _joined(weights: Sequence[Place], body: bytes) -> Array:
    return np.concatenate([place.of(body) for place in weights] or [np.zeros(0, dtype=ITEMS["F32"])])


def _fits(change: Change, weights: Sequence[Place], others: Sequence[Place]) -> None:
    size = sum(place.size for place in weights)
    if change.count > size:
        raise Unusable(f"The change names {change.count:,} weights; the network has {size:,}.")
    if change.whole and max(change.whole) >= len(others):
        raise Unusable("The change sends a tensor that the network does not have.")
    expected = sum(others[place].size * np.dtype(ITEMS[others[place].type]).itemsize for place in change.whole)
    if expected != len(change.others):
        raise Unusable(f"The change's whole tensors take {len(change.others):,} bytes; these of the network's take {expected:,}.")


# The frame

def _framed(header: dict[str, Any], parts: Sequence[bytes]) -> bytes:
    head = json.dumps(header, separators=(",", ":")).encode()
    return b"".join([MAGIC, len(head).to_bytes(4, "little"), head, *parts])


def _header(body: bytes) -> tuple[dict[str, Any], int]:
    """The header, and where it ends."""
    begin = len(MAGIC) + 4
    length = int.from_bytes(body[len(MAGIC):begin], "little")
    if body[: len(MAGIC)] != MAGIC or length > min(MOST_HEADER_BYTES, len(body) - begin):
        raise Unusable("This is no change of a network, or it is cut off.")
    try:
        header = json.loads(body[begin : begin + length])
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise Unusable("The change's header is not JSON.")
    return header, begin + length


def _number(header: dict[str, Any], name: str) -> int:
    found = header.get(name)
    if type(found) is not int or not 0 <= found < 2**40:
        raise Unusable(f"The change does not say its {name} as a whole number.")
    return found


def _marked(sent: Sequence[int], count: int) -> str:
    """A bit for each tensor, in hexadecimal digits."""
    marks = np.zeros(count, dtype=np.uint8)
    marks[list(sent)] = 1
    return np.packbits(marks).tobytes().hex()


def _unmarked(text: object) -> frozenset[int]:
    try:
        marks = np.unpackbits(np.frombuffer(bytes.fromhex(text if isinstance(text, str) else "?"), dtype=np.uint8))
    except ValueError:
        raise Unusable("The change does not say which tensors it sends whole.") from None
    return frozenset(map(int, np.flatnonzero(marks)))
