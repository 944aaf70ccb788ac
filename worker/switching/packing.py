"""A network's file made small for memory: of its weights only those that are not zero, and where they are; the rest compressed.

What comes out again is the file, bit for bit. NumPy and zlib only, so that a board can unpack it. Of each value the first byte,
sign and most of the exponent, lies apart from the others and is compressed: the rest of a trained weight has no pattern.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAGIC = b"EPPK1\0\0\0"
HEAD = struct.Struct("<8sQ")
WORD = 4
# Smaller tensors are compressed with what stands around them.
LEAST_BYTES = 4096
QUICK = 1
# Unpacked piece by piece: while NumPy works on one, no other thread of the process computes.
PIECE_BYTES = 1 << 20
CHANGED = "A packed network does not unpack to the file it was made of."
Span = tuple[int, int]


def pack(body: bytes, weights: Sequence[Span]) -> bytes:
    """`weights`: where float32 weights lie in `body`, as (begin, end) in their order, each a multiple of 4 bytes long."""
    parts, blobs, at = list[dict[str, Any]](), list[bytes](), 0
    for begin, end in [*weights, (len(body), len(body))]:
        for part, blob in _plain(body[at:begin]) if begin > at else ():
            parts.append(part)
            blobs.append(blob)
        for part, blob in _sparse(body[begin:end]) if end > begin else ():
            parts.append(part)
            blobs.append(blob)
        at = end
    told = json.dumps({"bytes": len(body), "crc": zlib.crc32(body), "parts": parts}).encode()
    return b"".join([HEAD.pack(MAGIC, len(told)), told, *blobs])


def expand(packed: bytes) -> bytes:
    """The file as it was; ValueError where `packed` is not one of ours or was changed."""
    told, at = _head(packed)
    pieces = list[bytes]()
    try:
        for part in told["parts"]:
            blobs, at = _cut(packed, at, part["blobs"])
            pieces.append(_plain_again(blobs) if part["kind"] == "plain" else _sparse_again(part["bytes"], blobs))
    except (zlib.error, ValueError, IndexError) as error:
        raise ValueError(CHANGED) from error
    whole = b"".join(pieces)
    if len(whole) != told["bytes"] or zlib.crc32(whole) != told["crc"]:
        raise ValueError(CHANGED)
    return whole


def _plain(body: bytes) -> Iterator[tuple[dict[str, Any], bytes]]:
    blob = zlib.compress(body, QUICK)
    yield {"kind": "plain", "bytes": len(body), "blobs": [len(blob)]}, blob


def _sparse(body: bytes) -> Iterator[tuple[dict[str, Any], bytes]]:
    for at in range(0, len(body), PIECE_BYTES):
        words = np.frombuffer(body[at:at + PIECE_BYTES], "<u4")
        kept = words != 0  # By bits: a negative zero is a value like any other.
        values = words[kept]
        places = zlib.compress(np.packbits(kept).tobytes(), QUICK)
        high = zlib.compress((values >> 24).astype(np.uint8).tobytes(), QUICK)
        low = _low(values).tobytes()
        yield {"kind": "sparse", "bytes": words.nbytes, "blobs": [len(places), len(high), len(low)]}, places + high + low


def _low(values: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """The three lower bytes of each."""
    return np.ascontiguousarray(values.astype("<u4").view(np.uint8).reshape(-1, WORD)[:, :3])


def _head(packed: bytes) -> tuple[dict[str, Any], int]:
    if len(packed) < HEAD.size or HEAD.unpack_from(packed)[0] != MAGIC:
        raise ValueError("This is no packed network.")
    end = HEAD.size + HEAD.unpack_from(packed)[1]
    return json.loads(packed[HEAD.size:end]), end


def _cut(packed: bytes, at: int, lengths: Sequence[int]) -> tuple[list[memoryview], int]:
    view, found = memoryview(packed), list[memoryview]()
    for length in lengths:
        found.append(view[at:at + length])
        at += length
    return found, at


def _plain_again(blobs: Sequence[memoryview]) -> bytes:
    return zlib.decompress(blobs[0])


def _sparse_again(size: int, blobs: Sequence[memoryview]) -> bytes:
    places, high, low = zlib.decompress(blobs[0]), zlib.decompress(blobs[1]), blobs[2]
    kept = np.unpackbits(np.frombuffer(places, np.uint8), count=size // WORD).view(bool)
    values = np.empty((len(high), WORD), np.uint8)
    values[:, :3] = np.frombuffer(low, np.uint8).reshape(-1, 3)
    values[:, 3] = np.frombuffer(high, np.uint8)
    words = np.zeros(size // WORD, "<u4")
    words[kept] = values.view("<u4").reshape(-1)
    return words.tobytes()
