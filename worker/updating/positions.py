"""Which weights changed, in as few bytes as they take: a bitmap, gaps of whole bytes, or gaps in Rice's code.

NumPy alone: a board reads them too. Positions are int64 throughout: float32 would round those above 2^24.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Coding = Literal["all", "bitmap", "gaps", "rice"]
Positions = NDArray[np.int64]
Bits = NDArray[np.uint8]
# A position of more digits could not be told from an overflow while gaps are added up.
MOST_PLACES = 2**40
LONGEST_GAP_BYTES = 6


class Coded(NamedTuple):
    """`remainder_bits`: of Rice's code, how many of a gap's low bits are said as they are."""

    coding: Coding
    body: bytes
    remainder_bits: int = 0


class Uncoded(ValueError):
    """Bytes that are no positions; the text says what does not fit."""


def coded(positions: Positions, size: int) -> Coded:
    """The shortest of the codings for strictly rising positions within 0 and `size`. All of them take no bytes."""
    if len(positions) == size:
        return Coded("all", b"")
    gaps = np.diff(positions, prepend=-1) - 1
    bits = _remainder_bits(gaps, size)
    lengths: dict[Coding, int] = {"bitmap": -(-size // 8), "rice": _rice_bytes(gaps, bits), "gaps": int(_lengths(gaps).sum())}
    best = min(lengths, key=lambda coding: lengths[coding])
    if best == "rice":
        return Coded(best, _rice(gaps, bits), bits)
    return Coded(best, _bitmap(positions, size) if best == "bitmap" else _whole_bytes(gaps))


def decoded(told: Coded, count: int, size: int) -> Positions:
    """The `count` positions again. Uncoded where the bytes are not exactly those; nothing larger than they is allocated."""
    if not 0 <= count <= size <= MOST_PLACES:
        raise Uncoded(f"{count:,} of {size:,} weights cannot be named")
    if told.coding == "all":
        if told.body or count != size:
            raise Uncoded(f"all of {size:,} weights should change, and {count:,} do")
        return np.arange(size, dtype=np.int64)
    if told.coding == "bitmap":
        return _from_bitmap(told.body, count, size)
    gaps = _from_rice(told, count, size) if told.coding == "rice" else _from_whole_bytes(told.body, count)
    return _placed(gaps, size)


def _placed(gaps: NDArray[Any], size: int) -> Positions:
    if len(gaps) and int(gaps.max()) >= size:
        raise Uncoded(f"a gap of {int(gaps.max()):,} leads out of {size:,} weights")
    if int(gaps.sum(dtype=np.float64)) + len(gaps) > 2 * size:  # before int64 could run over
        raise Uncoded(f"the gaps lead out of {size:,} weights")
    positions: Positions = np.cumsum(gaps.astype(np.int64) + 1) - 1
    if len(positions) and int(positions[-1]) >= size:
        raise Uncoded(f"position {int(positions[-1]):,} is none of {size:,} weights")
    return positions


# A bit for each weight

def _bitmap(positions: Positions, size: int) -> bytes:
    marks = np.zeros(size, dtype=np.uint8)
    marks[positions] = 1
    return np.packbits(marks).tobytes()


def _from_bitmap(body: bytes, count: int, size: int) -> Positions:
    if len(body) != -(-size // 8):
        raise Uncoded(f"a bitmap of {size:,} weights takes {-(-size // 8):,} bytes; got {len(body):,}")
    marks = np.unpackbits(np.frombuffer(body, dtype=np.uint8))
    positions: Positions = np.flatnonzero(marks).astype(np.int64)
    if len(positions) != count or (len(positions) and int(positions[-1]) >= size):
        raise Uncoded(f"the bitmap marks {len(positions):,} weights, not {count:,} of {size:,}")
    return positions


# Seven bits of a gap in each byte, the low ones first; the eighth says that more follow

def _lengths(gaps: Positions) -> NDArray[np.int64]:
    lengths = np.ones(len(gaps), dtype=np.int64)
    for places in range(1, LONGEST_GAP_BYTES):
        lengths += gaps >= 1 << 7 * places
    return lengths


def _whole_bytes(gaps: Positions) -> bytes:
    lengths = _lengths(gaps)
    ends = np.cumsum(lengths)
    body = np.zeros(int(ends[-1]) if len(ends) else 0, dtype=np.uint8)
    for place in range(int(lengths.max(initial=0))):
        has = lengths > place
        more = np.where(lengths[has] > place + 1, 128, 0)
        body[(ends - lengths)[has] + place] = (gaps[has] >> 7 * place & 127) | more
    return body.tobytes()


def _from_whole_bytes(body: bytes, count: int) -> Positions:
    raw = np.frombuffer(body, dtype=np.uint8)
    last = np.flatnonzero(raw < 128)
    if len(last) != count or (len(raw) and raw[-1] >= 128):
        raise Uncoded(f"the gaps are {len(last):,}, not {count:,}")
    lengths = np.diff(last, prepend=-1)
    if int(lengths.max(initial=0)) > LONGEST_GAP_BYTES:
        raise Uncoded(f"a gap takes more than {LONGEST_GAP_BYTES} bytes")
    if not count:
        return np.zeros(0, dtype=np.int64)
    begins = last - lengths + 1
    places = np.arange(len(raw)) - np.repeat(begins, lengths)
    gaps: Positions = np.add.reduceat((raw & 127).astype(np.int64) << 7 * places, begins)
    return gaps


# Rice, Plaunt 1971: a gap's high part as so many zeros before a one, all of these first, then the low bits of all

def _remainder_bits(gaps: Positions, size: int) -> int:
    if not len(gaps):
        return 0
    near = max(0, int(np.log2(max(1.0, size / len(gaps)))))
    return min(range(max(0, near - 2), near + 2), key=lambda bits: _rice_bytes(gaps, bits))


def _rice_bytes(gaps: Positions, bits: int) -> int:
    return -(-(int((gaps >> bits).sum()) + len(gaps)) // 8) + -(-len(gaps) * bits // 8)


def _rice(gaps: Positions, bits: int) -> bytes:
    ends = np.cumsum((gaps >> bits) + 1)
    high = np.zeros(int(ends[-1]) if len(ends) else 0, dtype=np.uint8)
    high[ends - 1] = 1
    low = np.empty((len(gaps), bits), dtype=np.uint8)
    for place in range(bits):
        low[:, place] = gaps >> (bits - 1 - place) & 1
    return np.packbits(high).tobytes() + np.packbits(low.ravel()).tobytes()


def _from_rice(told: Coded, count: int, size: int) -> Positions:
    bits = told.remainder_bits
    if not 0 <= bits <= MOST_PLACES.bit_length():
        raise Uncoded(f"a gap's low part has {bits} bits")
    split = len(told.body) - -(-count * bits // 8)
    if split < 0:
        raise Uncoded(f"{count:,} gaps take more than {len(told.body):,} bytes")
    ends = np.flatnonzero(np.unpackbits(np.frombuffer(told.body[:split], dtype=np.uint8)))
    if len(ends) != count:
        raise Uncoded(f"the gaps are {len(ends):,}, not {count:,}")
    high = (np.diff(ends, prepend=-1) - 1).astype(np.int64)
    if int(high.max(initial=0)) > size >> bits:
        raise Uncoded(f"a gap leads out of {size:,} weights")
    low = np.unpackbits(np.frombuffer(told.body[split:], dtype=np.uint8), count=count * bits).reshape(count, bits)
    gaps: Positions = high
    for place in range(bits):
        gaps = gaps << 1 | low[:, place]
    return gaps
