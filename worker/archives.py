"""Zip archives from outside, judged by their directory before anything is unpacked: bombs, tricks with names, nested ones."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

from worker.firstlook import Unfit, printable

MOST_ENTRIES = 10_100
MOST_RATIO = 100
TAIL_BYTES = 66_000 + 76


def opened(path: Path, most_bytes: int) -> zipfile.ZipFile:
    """The archive, once its directory promises at most `most_bytes` and nothing odd. zipfile reads no more than promised."""
    _check_count(path)
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError, EOFError) as error:
        raise Unfit("The file is cut off or damaged: the directory at its end cannot be read.") from error
    try:
        _check_entries(archive.infolist(), path.stat().st_size, most_bytes)
    except Unfit:
        archive.close()
        raise
    return archive


def _check_count(path: Path) -> None:
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
    if count > MOST_ENTRIES:
        raise Unfit(f"The archive has {count:,} entries; at most {MOST_ENTRIES:,} are read.")


def _check_entries(entries: list[zipfile.ZipInfo], size: int, most_bytes: int) -> None:
    if len(entries) > MOST_ENTRIES:
        raise Unfit(f"The archive has {len(entries):,} entries; at most {MOST_ENTRIES:,} are read.")
    names = [entry.filename for entry in entries]
    if len({name.casefold() for name in names}) < len(names):
        raise Unfit("The archive has two entries of the same name.")
    for entry in entries:
        _check_entry(entry)
    _check_sizes(entries, size, most_bytes)


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name, shown = entry.filename, printable(entry.filename)
    if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or ":" in name:
        raise Unfit(f"The archive has an entry {shown!r} that leads out of it.")
    if entry.flag_bits & 1:
        raise Unfit(f"The entry {shown!r} of the archive is encrypted.")
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise Unfit(f"The entry {shown!r} of the archive is no ordinary file.")
    if name.lower().endswith((".zip", ".npz", ".gz", ".7z", ".tar")):
        raise Unfit(f"The archive holds another archive, {shown!r}.")


def _check_sizes(entries: list[zipfile.ZipInfo], size: int, most_bytes: int) -> None:
    packed, unpacked = sum(entry.compress_size for entry in entries), sum(entry.file_size for entry in entries)
    if packed > size:
        raise Unfit(f"The entries of the archive claim {packed:,} bytes of a file of {size:,}: they overlap.")
    for entry in entries:
        if entry.file_size > MOST_RATIO * max(entry.compress_size, 1) and entry.file_size > 1_000_000:
            told = f"{entry.compress_size:,} bytes of the archive unpack to {entry.file_size:,}"
            raise Unfit(f"{told} ({printable(entry.filename)!r}); at most {MOST_RATIO} times as many are unpacked.")
    if unpacked > most_bytes:
        raise Unfit(f"The archive unpacks to {unpacked:,} bytes; at most {most_bytes:,} are unpacked.")
