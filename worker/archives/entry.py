"""One file of an archive, whatever kind the archive is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Entry(NamedTuple):
    """Its pieces can be read once, before the next entry is asked for."""

    name: str
    size: int
    pieces: Iterator[bytes]

    @property
    def last(self) -> str:
        """Its name without the folders."""
        return self.name.rpartition("/")[2]
