"""Zip archives from outside, judged by their directory before anything is unpacked: bombs, tricks with names, nested ones."""

from __future__ import annotations

import stat
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from worker.archives import names
from worker.archives.entry import Entry
from worker.archives.names import MOST_ENTRIES, MOST_RATIO, SMALL_BYTES
from worker.firstlook import Unfit, printable

TAIL_BYTES = 66_000 + 76
CHUNK = 1 << 20
# What reading an entry raises when the file is damaged.
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


def opened(path: Path, most_bytes: int, most_entries: int = MOST_ENTRIES) -> zipfile.ZipFile:
    """The archive, once its directory promises at most `most_bytes` and nothing odd. zipfile reads no more than promised."""
    _check_count(path, most_entries)
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError, EOFError) as error:
        raise Unfit("The file is cut off or damaged: the directory at its end cannot be read.") from error
    try:
        _check_entries(archive.infolist(), path.stat().st_size, most_bytes, most_entries)
    except Unfit:
        archive.close()
        raise
    return archive


def _check_count(path: Path, most_entries: int) -> None:
    """How many entries the last record says there are: a directory of a million would already take a gigabyte to read."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - TAIL_BYTES))
        tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) < end + 22:
        raise Unfit("The file is cut off: the directory at its end is missing.")
    count = int.from_bytes(tail[end + 10:end + 12], "little")
    large = tail.rfind(b"PK\x06\x06", 0, end)
    if count == 0xFFFF and large >= 0:
        count = int.from_bytes(tail[large + 32:large + 40], "little")
    if count > most_entries:
        raise names.too_many(count, most_entries)


def _check_entries(entries: list[zipfile.ZipInfo], size: int, most_bytes: int, most_entries: int) -> None:
    if len(entries) > most_entries:
        raise names.too_many(len(entries), most_entries)
    if len({entry.filename.casefold() for entry in entries}) < len(entries):
        raise names.same_name()
    for entry in entries:
        _check_entry(entry)
    _check_sizes(entries, size, most_bytes)


def _check_entry(entry: zipfile.ZipInfo) -> None:
    names.check(entry.filename)
    if entry.flag_bits & 1:
        raise Unfit(f"The entry {printable(entry.filename)!r} of the archive is encrypted.")
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise names.no_ordinary_file(entry.filename)


def _check_sizes(entries: list[zipfile.ZipInfo], size: int, most_bytes: int) -> None:
    packed, unpacked = sum(entry.compress_size for entry in entries), sum(entry.file_size for entry in entries)
    if packed > size:
        raise Unfit(f"The entries of the archive claim {packed:,} bytes of a file of {size:,}: they overlap.")
    for entry in entries:
        if entry.file_size > MOST_RATIO * max(entry.compress_size, 1) and entry.file_size > SMALL_BYTES:
            raise names.too_well_packed(entry.compress_size, entry.file_size, entry.filename)
    if unpacked > most_bytes:
        raise names.too_large(unpacked, most_bytes)


def pieces(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """What is in an entry, some at a time; Unfit when it cannot be unpacked."""
    try:
        with archive.open(entry) as packed:
            yield from iter(lambda: packed.read(CHUNK), b"")
    except BROKEN as error:
        raise Unfit(f"The entry {printable(entry.filename)!r} cannot be unpacked: the file is damaged.") from error


def entries(archive: zipfile.ZipFile) -> Iterator[Entry]:
    """The files in it one after another."""
    for info in archive.infolist():
        if not info.is_dir():
            yield Entry(info.filename, info.file_size, pieces(archive, info))
