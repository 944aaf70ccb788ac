"""The text files of a recording, in a folder or in a zip: found by what they are, never by a path that somebody typed."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

from worker.archives import zips
from worker.firstlook import printable, recordings
from worker.firstlook.recordings import SEQUENCE, TEXT, TRUTH

LARGEST_BYTES, MOST_BYTES = 50_000_000, 1_000_000_000
# The challenges' archives hold a picture for each frame, which nobody reads here.
MOST_ENTRIES = 300_000
LOOKED_AT = ("*.txt", SEQUENCE, "gt/*.txt", "det/*.txt")
MOST_NAMED = 10


@dataclass(frozen=True)
class Texts:
    """`entries`: where each of them lies within `root`. `others`: what beside them is there, and is not read."""

    name: str
    root: Path
    entries: dict[str, str]
    others: tuple[str, ...] = ()

    @property
    def detectors(self) -> tuple[str, ...]:
        """As their files are called."""
        return tuple(sorted(name.removesuffix(TEXT) for name in self.entries if name not in (SEQUENCE, TRUTH)))

    def named(self) -> str:
        """The files of detections that are there, for a sentence."""
        there = [f"{printable(name)}{TEXT}" for name in self.detectors[:MOST_NAMED]]
        more = len(self.detectors) - len(there)
        return (", ".join(there) + (f" and {more} more" if more else "")) or "none"

    def read(self, name: str) -> str:
        """Lines end in one way. ValueError in a sentence with the file."""
        try:
            text = self._bytes(name).decode("utf-8-sig")
        except UnicodeDecodeError:
            raise ValueError(f"{name} is no text") from None
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def _bytes(self, name: str) -> bytes:
        if self.root.is_dir():
            return _of_file(self.root / self.entries[name], name)
        with zips.opened(self.root, MOST_BYTES, MOST_ENTRIES) as archive:
            entry = archive.getinfo(self.entries[name])
            _check_size(name, entry.file_size)
            return b"".join(zips.pieces(archive, entry))


def texts(root: Path, name: str = "", most_bytes: int = MOST_BYTES) -> Texts:
    """Of a folder, or of a zip whose directory was judged. ValueError in a sentence."""
    called = name or (root.resolve().name if root.is_dir() else root.stem)
    names = _names_in(root) if root.is_dir() else _names_of(root, most_bytes)
    found = recordings.of_names(names)
    if twice := next((each for each in found.values() if len(each) > 1), None):
        raise ValueError(f"{printable(twice[0])} and {printable(twice[1])} would be one file; each has a name of its own")
    entries = {plain: places[0] for plain, places in found.items()}
    used = set(entries.values())
    return Texts(called, root, entries, tuple(each for each in names if each not in used and not each.endswith("/")))


def _names_in(folder: Path) -> list[str]:
    found = {each.relative_to(folder).as_posix() for pattern in LOOKED_AT for each in folder.glob(pattern) if each.is_file()}
    return sorted(found)


def _names_of(file: Path, most_bytes: int) -> list[str]:
    with zips.opened(file, most_bytes, MOST_ENTRIES) as archive:
        return archive.namelist()


def _of_file(path: Path, name: str) -> bytes:
    try:
        _check_size(name, path.stat().st_size)
        return path.read_bytes()
    except OSError:
        raise ValueError(f"{name} cannot be read") from None


def _check_size(name: str, size: int) -> None:
    if size > LARGEST_BYTES:
        raise ValueError(f"{name} is larger than {LARGEST_BYTES / 1e6:.0f} MB")


def written(path: Path, files: dict[str, str]) -> None:
    """An archive that is the same for the same texts, whatever packs it: nothing is packed, and it is of no day."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name), files[name])
