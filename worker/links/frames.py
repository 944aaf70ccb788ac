"""What hosts say to each other: a frame has a fixed head, facts as JSON, tensors as a safetensors body, and nothing that is run.

Every length is judged before a byte is kept for it, and every byte is checked: a head that was changed on the way is known before
anybody waits for what it claims.
"""

from __future__ import annotations

import json
import math
import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, NoReturn, Protocol

import numpy as np
from numpy.typing import NDArray

from worker.links import bodies
from worker.links.faults import Ended, Refused, Strange, TooLarge, Torn

MAGIC = b"EPLK"
VERSION = 1
# Magic, version, kind, length of facts, CRC-32 of facts, length of the body; then the CRC-32 of these themselves.
# Later versions keep this layout, so that one can tell the other which it speaks.
HEAD = struct.Struct("<4sI16sIIQ")
SEAL = struct.Struct("<I")
HEAD_BYTES = HEAD.size + SEAL.size
# The CRC-32 of the body stands behind it: its first bytes leave before its last ones were looked at.
TAIL_BYTES = SEAL.size
MOST_FACTS_BYTES = 1 << 20
KIND = re.compile(r"[a-z][a-z0-9_-]{0,15}")
# How an alert and a greeting of TLS begin.
TLS = (b"\x15\x03", b"\x16\x03")
# Small enough that what has just been checked, or has just come, is still in the processor's cache when it is sent or checked.
PIECE, MOST_PARTS = 1 << 18, 64


@dataclass(frozen=True)
class Frame:
    """One message. Facts are small and JSON; tensors keep their names, order, types and shapes."""

    kind: str
    facts: dict[str, Any] = field(default_factory=dict)
    tensors: Mapping[str, NDArray[Any]] = field(default_factory=dict)


class Source(Protocol):
    """Anything with `readinto`: a file, `io.BytesIO`, a wire."""

    def readinto(self, into: memoryview, /) -> int | None: ...


class Told(NamedTuple):
    """What a head says. `crc`: of the facts."""

    kind: str
    facts_bytes: int
    body_bytes: int
    crc: int


class Packed(NamedTuple):
    """A frame that may be sent: its head with the facts, and its body. The bytes of a tensor are its own, unless it is strided
    or big-endian."""

    first: bytes
    body: list[memoryview]

    @property
    def size(self) -> int:
        """How many bytes of a connection it takes."""
        return len(self.first) + sum(part.nbytes for part in self.body) + TAIL_BYTES

    def batches(self) -> Iterator[list[memoryview]]:
        """Its bytes in order, a little at a time; each is checked just before it is wanted."""
        batch, count, crc = [memoryview(self.first)], 0, 0
        for part in self.body:
            for at in range(0, part.nbytes, PIECE):
                piece = part[at:at + PIECE]
                crc = zlib.crc32(piece, crc)
                batch.append(piece)
                count += piece.nbytes
                if count >= PIECE or len(batch) >= MOST_PARTS:
                    yield batch
                    batch, count = [], 0
        yield [*batch, memoryview(SEAL.pack(crc))]


def packed(frame: Frame) -> Packed:
    """Strange or TooLarge where nobody would read it."""
    if not KIND.fullmatch(frame.kind):
        raise Strange(f"A frame's kind has 1 to 16 small letters, digits, - or _; got {frame.kind[:40]!r}.")
    body, facts = bodies.parts(frame.tensors), _written(frame.facts)
    head = HEAD.pack(MAGIC, VERSION, frame.kind.encode(), len(facts), zlib.crc32(facts), sum(part.nbytes for part in body))
    return Packed(head + SEAL.pack(zlib.crc32(head)) + facts, body)


def parts(frame: Frame) -> list[memoryview]:
    """All its bytes, in order, nothing of a tensor copied."""
    return [part for batch in packed(frame).batches() for part in batch]


def size(frame: Frame) -> int:
    """How many bytes of a connection the frame takes."""
    return packed(frame).size


def read(source: Source, most_bytes: int) -> Frame:
    """The next frame. Ended where there is none; Torn, TooLarge, Strange or Refused where it cannot be had."""
    told = judged(_head(source), most_bytes)
    begin, end = told.facts_bytes, told.facts_bytes + told.body_bytes
    content = _kept(end + TAIL_BYTES)
    crc = _filled(source, content.data, begin, end, told.kind)
    facts = content[:begin].tobytes()
    if zlib.crc32(facts) != told.crc or SEAL.pack(crc) != content[end:].tobytes():
        raise Torn(f"The bytes of a frame {told.kind!r} changed on the way: their checksum is not the one that was sent.")
    return Frame(told.kind, _read(facts), bodies.read(content[begin:end]))


def judged(head: bytes, most_bytes: int) -> Told:
    """What the head of a frame says, unless it is not to be believed or too large."""
    magic, version, kind, facts_bytes, crc, body_bytes = HEAD.unpack(head[:HEAD.size])
    _begins_well(magic)
    if SEAL.unpack(head[HEAD.size:])[0] != zlib.crc32(head[:HEAD.size]):
        raise Torn("The head of a frame changed on the way: its checksum is not the one that was sent.")
    if version != VERSION:
        raise Refused(f"The other side speaks version {version} of the frames, and this side version {VERSION}: update the "
                      "older one.")
    if facts_bytes > MOST_FACTS_BYTES:
        raise TooLarge(f"A frame says its facts have {facts_bytes:,} bytes; {MOST_FACTS_BYTES:,} are allowed.")
    if facts_bytes + body_bytes > most_bytes:
        raise TooLarge(f"A frame says it has {facts_bytes + body_bytes:,} bytes; {most_bytes:,} are allowed here.")
    return Told(_kind(kind), facts_bytes, body_bytes, crc)


def _kind(padded: bytes) -> str:
    kind = padded.rstrip(b"\0").decode("latin-1")
    if not KIND.fullmatch(kind):
        raise Strange(f"A frame's kind has 1 to 16 small letters, digits, - or _; got {kind!r}.")
    return kind


def _head(source: Source) -> bytes:
    """The next head; what cannot become one is known by the first bytes that come."""
    head, at = bytearray(HEAD_BYTES), 0
    while at < HEAD_BYTES:
        got = source.readinto(memoryview(head)[at:])
        if not got and not at:
            raise Ended("The other side ended the connection; no frame was under way.")
        if not got:
            raise Torn(f"The head of a frame stopped after {at} of {HEAD_BYTES} bytes: the connection was lost.")
        at += got
        _begins_well(bytes(head[:min(at, len(MAGIC))]))
    return bytes(head)


def _begins_well(start: bytes) -> None:
    if not MAGIC.startswith(start):
        tls = " It speaks TLS where none is spoken here." if start[:2] in TLS else ""
        raise Strange(f"This is no frame: it begins with {start!r}, and a frame with {MAGIC!r}.{tls}")


def _kept(count: int) -> NDArray[np.uint8]:
    """Room for so many bytes; it takes memory only as they come."""
    try:
        return np.empty(count, np.uint8)
    except MemoryError:
        raise TooLarge(f"A frame says it has {count:,} bytes, and there is no memory here for as many.") from None


def _filled(source: Source, into: memoryview, begin: int, end: int, kind: str) -> int:
    """Fill it to its last byte; the CRC-32 of what lies between."""
    at, crc = 0, 0
    while at < len(into):
        got = source.readinto(into[at:at + PIECE])
        if not got:
            raise Torn(f"A frame {kind!r} stopped after {at:,} of {len(into):,} bytes: the connection was lost.")
        crc = zlib.crc32(into[max(at, begin):min(at + got, end)], crc)
        at += got
    return crc


def _written(facts: dict[str, Any]) -> bytes:
    """JSON, filled up with blanks so that what follows begins at a multiple of 8 bytes."""
    try:
        text = WRITTEN.encode(facts).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise Strange(f"These facts of a frame are no JSON: {error}.") from None
    if len(text) > MOST_FACTS_BYTES:
        raise TooLarge(f"The facts of a frame have {len(text):,} bytes; {MOST_FACTS_BYTES:,} are allowed.")
    return text + b" " * (-len(text) % 8)


def _read(text: bytes) -> dict[str, Any]:
    try:
        facts = READ.decode(text.decode())
    except (ValueError, RecursionError):
        raise Strange("The facts of a frame are not JSON.") from None
    if not isinstance(facts, dict):
        raise Strange(f"The facts of a frame are an object of JSON; got {type(facts).__name__}.")
    return facts


def _not_json(word: str) -> NoReturn:
    raise ValueError(word)


def _finite(word: str) -> float:
    if not math.isfinite(number := float(word)):
        _not_json(word)
    return number


WRITTEN = json.JSONEncoder(allow_nan=False, separators=(",", ":"))
READ = json.JSONDecoder(parse_constant=_not_json, parse_float=_finite)
