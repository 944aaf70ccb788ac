"""The headers of a tar archive, plain or gzipped, by its first bytes."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import NamedTuple

BLOCK = 512
GZIP = b"\x1f\x8b"


class Header(NamedTuple):
    """One block: what is called how, how large it is, and its type flag."""

    name: str
    size: int
    kind: str


def is_gzip(head: bytes) -> bool:
    return head.startswith(GZIP)


def is_tape(head: bytes) -> bool:
    """Whether it begins like a tar archive; the oldest kind has no mark, but its checksum holds."""
    return parsed(head[:BLOCK]) is not None


def parsed(block: bytes) -> Header | None:
    """The header in a block of 512 bytes; None where its checksum or its numbers are wrong."""
    if len(block) != BLOCK:
        return None
    said = _number(block[148:156])
    rest = block[:148] + b" " * 8 + block[156:]
    size = _number(block[124:136])
    # Old programs added up signed bytes.
    if size is None or said not in (sum(rest), sum(rest) - 256 * sum(byte > 127 for byte in rest)):
        return None
    name, kind = _text(block[:100]), chr(block[156])
    before = _text(block[345:500]) if block[257:263] == b"ustar\0" else ""
    # A folder of the oldest kind is told by the end of its name alone.
    return Header(f"{before}/{name}" if before else name, size, "5" if kind in "0\0" and name.endswith("/") else kind)


def _text(field: bytes) -> str:
    return field.split(b"\0")[0].decode("utf-8", "replace")


def _number(field: bytes) -> int | None:
    """In octal digits; of large files in binary, marked by the first bit."""
    if field[0] & 0x80:
        number = int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
        return number if number < 1 << 62 else None
    digits = field.strip(b" \0")
    return int(digits, 8) if digits and all(byte in b"01234567" for byte in digits) else (None if digits else 0)


def unpacked(head: bytes) -> bytes:
    """The beginning of a gzipped file, as far as it can be seen: never more than a megabyte of it."""
    try:
        return zlib.decompressobj(wbits=31).decompress(head, 1_000_000)
    except zlib.error:
        return b""


def entries(head: bytes) -> Iterator[str]:
    """The names of the entries whose headers can be seen."""
    at = 0
    while (header := parsed(head[at:at + BLOCK])) is not None and head[at:at + BLOCK].strip(b"\0"):
        if header.kind in ("0", "\0", "5", "7"):
            yield header.name
        at += BLOCK + -(-header.size // BLOCK) * BLOCK
