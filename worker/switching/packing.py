"""A network's file made small for memory: of its weights only those that are not zero, and where they are; the rest compressed.

What comes out again is the file, bit for bit, but that a negative zero, as masks leave it, becomes a zero: the two are equal, and
so are a network's answers. NumPy and zlib only, so that a board can unpack it. Of each value the eight bits of its exponent lie
apart and are compressed, for trained weights are of few magnitudes; sign and mantissa have no pattern and stay as they are.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAGIC = b"EPPK1\0\0\0"
HEAD = struct.Struct("<8sQI")
WORD, SIGN = 4, np.uint32(0x80000000)
# Smaller tensors are compressed with what stands around them.
LEAST_BYTES = 4096
QUICK = 1
# Unpacked piece by piece: while NumPy works on one, no other thread of the process computes.
PIECE_BYTES = 1 << 20
CHANGED = "A packed network is not what was packed: it was changed, or it is another thing."
Span = tuple[int, int]
Part = dict[str, Any]


def pack(body: bytes, weights: Sequence[Span]) -> bytes:
    """`weights`: where float32 weights lie in `body`, as (begin, end) in their order, each a multiple of 4 bytes long."""
    parts, blobs, at = list[Part](), list[bytes](), 0
    for begin, end in [*weights, (len(body), len(body))]:
        for part, blob in (*_plain(body[at:begin]), *_weights(body[begin:end])):
            parts.append(part)
            blobs.append(blob)
        at = end
    told = json.dumps({"bytes": len(body), "parts": parts}).encode()
    payload = b"".join([told, *blobs])
    return HEAD.pack(MAGIC, len(told), zlib.crc32(payload)) + payload


def checked(packed: bytes) -> bytes:
    """The same; ValueError where it is not one of ours or was changed. Asked once, as it is read."""
    if len(packed) < HEAD.size or HEAD.unpack_from(packed)[0] != MAGIC or \
            HEAD.unpack_from(packed)[2] != zlib.crc32(memoryview(packed)[HEAD.size:]):
        raise ValueError(CHANGED)
    return packed


def expand(packed: bytes) -> bytes:
    """The file as it was, of what `pack` made."""
    view, whole = memoryview(packed), BytesIO()
    end = HEAD.size + HEAD.unpack_from(packed)[1]
    told = json.loads(packed[HEAD.size:end])
    for part in told["parts"]:
        blobs = list[memoryview]()
        for length in part["blobs"]:
            blobs.append(view[end:end + length])
            end += length
        whole.write(_AGAIN[part["kind"]](part["bytes"], blobs))
    return whole.getvalue()


def _plain(body: bytes) -> Iterator[tuple[Part, bytes]]:
    if body:
        blob = zlib.compress(body, QUICK)
        yield {"kind": "plain", "bytes": len(body), "blobs": [len(blob)]}, blob


def _weights(body: bytes) -> Iterator[tuple[Part, bytes]]:
    for at in range(0, len(body), PIECE_BYTES):
        words = np.frombuffer(body[at:at + PIECE_BYTES], "<u4")
        kept = (words & ~SIGN) != 0
        blobs = _values(words[kept])
        if not kept.all():
            blobs.insert(0, zlib.compress(np.packbits(kept).tobytes(), QUICK))
        kind = "whole" if kept.all() else "sparse"
        yield {"kind": kind, "bytes": words.nbytes, "blobs": [len(each) for each in blobs]}, b"".join(blobs)


def _values(words: NDArray[np.uint32]) -> list[bytes]:
    """Exponents, compressed without a search for repeats, there are none; signs and mantissas."""
    turned = (words << np.uint32(1)) | (words >> np.uint32(31))
    rows = np.ascontiguousarray(turned.astype("<u4")).view(np.uint8).reshape(-1, WORD)
    squeezer = zlib.compressobj(QUICK, strategy=zlib.Z_HUFFMAN_ONLY)
    return [squeezer.compress(rows[:, 3].tobytes()) + squeezer.flush(), rows[:, :3].tobytes()]


def _values_again(high: memoryview, low: memoryview) -> NDArray[np.uint32]:
    exponents = np.frombuffer(zlib.decompress(high), np.uint8)
    rows = np.empty((len(exponents), WORD), np.uint8)
    rows[:, :3] = np.frombuffer(low, np.uint8).reshape(-1, 3)
    rows[:, 3] = exponents
    turned = rows.view("<u4").reshape(-1)
    return (turned >> np.uint32(1)) | (turned << np.uint32(31))


def _plain_again(size: int, blobs: Sequence[memoryview]) -> bytes:
    return zlib.decompress(blobs[0])


def _whole_again(size: int, blobs: Sequence[memoryview]) -> bytes:
    return _values_again(*blobs).tobytes()


def _sparse_again(size: int, blobs: Sequence[memoryview]) -> bytes:
    places, high, low = blobs
    kept = np.unpackbits(np.frombuffer(zlib.decompress(places), np.uint8), count=size // WORD).view(bool)
    words = np.zeros(size // WORD, "<u4")
    words[kept] = _values_again(high, low)
    return words.tobytes()


_AGAIN = {"plain": _plain_again, "whole": _whole_again, "sparse": _sparse_again}
