"""Tar archives from outside, plain or gzipped, read once from front to end and never written out as they are.

Python's own reader follows links, sparse maps and headers of any size in old releases, so the few rules are read here: ordinary
files and folders, with the long names of GNU and pax. Everything else is refused.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from worker.archives import names
from worker.archives.entry import Entry
from worker.firstlook import Unfit, printable
from worker.firstlook.tape import BLOCK, Header, is_gzip, parsed

CHUNK = 1 << 20
# A long name or the words of a pax header; more than that is no name.
MOST_WORDS_BYTES = 64_000
CUT = "The archive is cut off: {there:,} of {wanted:,} bytes of {name!r} are there."


def entries(path: Path, most_bytes: int) -> Iterator[Entry]:
    """The ordinary files one after another; Unfit in one sentence for anything that is no honest archive."""
    with path.open("rb") as file:
        packed = is_gzip(file.read(2))
        file.seek(0)
        yield from _Tape(file, packed, path.stat().st_size, most_bytes).files()


class _Tape:
    """The unpacked bytes, counted: never more of them than the limit, nor than an honest packer makes."""

    def __init__(self, file: IO[bytes], packed: bool, size: int, most_bytes: int) -> None:
        self.file: IO[bytes] | gzip.GzipFile = gzip.GzipFile(fileobj=file) if packed else file
        self.size, self.most_bytes = size, most_bytes
        self.taken = 0
        self.seen: set[str] = set()

    def read(self, count: int) -> bytes:
        try:
            piece = self.file.read(count)
        except (gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise Unfit(f"The archive is cut off or damaged: it cannot be unpacked beyond {self.taken:,} bytes.") from error
        self.taken += len(piece)
        if self.taken > self.most_bytes:
            raise names.too_large(self.taken, self.most_bytes)
        if self.taken > names.SMALL_BYTES and self.taken > names.MOST_RATIO * self.size:
            raise names.too_well_packed(self.size, self.taken, "the whole")
        return piece

    def files(self) -> Iterator[Entry]:
        said: dict[str, str] = {}
        for header in self._headers():
            if header.kind in ("x", "L", "g", "K"):
                said |= self._words(header)
                continue
            name, size = said.get("path", header.name), _size(said, header)
            said = {}
            self._check(name, header.kind)
            if header.kind == "5":
                self._skip(name, size)
                continue
            entry = Entry(name, size, self._pieces(name, size))
            yield entry
            for _ in entry.pieces:
                pass  # Whatever its reader left.
        while self.read(CHUNK):
            pass  # To the end, where gzip keeps its checksum.

    def _headers(self) -> Iterator[Header]:
        while True:
            block = self.read(BLOCK)
            if not block:
                raise Unfit("The archive is cut off: its end is missing.")
            if not block.strip(b"\0"):
                return
            header = parsed(block)
            if header is None:
                raise Unfit(f"The archive is cut off or damaged: there is no header at byte {self.taken - len(block):,}.")
            yield header

    def _check(self, name: str, kind: str) -> None:
        names.check(name)
        if kind not in ("0", "\0", "7", "5"):
            raise names.no_ordinary_file(name)
        if name.casefold() in self.seen:
            raise names.same_name()
        self.seen.add(name.casefold())
        if len(self.seen) > names.MOST_ENTRIES:
            raise names.too_many(len(self.seen), names.MOST_ENTRIES)

    def _words(self, header: Header) -> dict[str, str]:
        """What a header says of the entry behind it; of all entries (`g`), and of where links lead, nothing is used."""
        if header.size > MOST_WORDS_BYTES:
            raise Unfit(f"The archive has a name of {header.size:,} bytes; at most {MOST_WORDS_BYTES:,} are read.")
        body = b"".join(self._pieces(header.name, header.size))
        if header.kind == "L":
            return {"path": body.split(b"\0")[0].decode("utf-8", "replace")}
        return _records(body) if header.kind == "x" else {}

    def _pieces(self, name: str, size: int) -> Iterator[bytes]:
        left = size
        while left:
            piece = self.read(min(CHUNK, left))
            if not piece:
                raise Unfit(CUT.format(there=size - left, wanted=size, name=printable(name)))
            left -= len(piece)
            yield piece
        self.read(-size % BLOCK)

    def _skip(self, name: str, size: int) -> None:
        for _ in self._pieces(name, size):
            pass


def _size(said: dict[str, str], header: Header) -> int:
    text = said.get("size", "")
    if not text:
        return header.size
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Unfit(f"The archive says a size that is no number for {printable(header.name)!r}.")
    return int(text)


def _records(body: bytes) -> dict[str, str]:
    """`27 path=cifar/data_batch_1.bin` and a line feed, over and over; each begins with its own length."""
    said: dict[str, str] = {}
    while body:
        length, _, rest = body.partition(b" ")
        if not (length.isdigit() and len(length) < 6 and len(length) + 3 <= int(length) <= len(body)):
            raise Unfit("The archive has a pax header that cannot be read.")
        key, _, value = rest[:int(length) - len(length) - 2].partition(b"=")
        said[key.decode("utf-8", "replace")] = value.decode("utf-8", "replace")
        body = body[int(length):]
    if any(key.startswith("GNU.sparse") for key in said):
        raise Unfit("The archive has a sparse file, which is no ordinary one.")
    return said
