"""Profiles by their keys, as the planner reads them: parsed once and kept, those longest unused forgotten first.

A profile never changes, so what is kept is never wrong; one that was deleted is asked for by nobody who may see it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from uuid import UUID

from django.db import connections

from worker.partitioning.unfit import Unfit
from worker.profile import NetworkProfile

MOST_PROFILES, MOST_BLOCKS_KEPT, MOST_BLOCKS_ASKED = 500, 20_000, 40_000
# By itself, so that this needs none of Django's apps; a body is sent only while all of them together are not too large.
FETCH = """select id::text, blocks, case when sum(blocks) over () <= %s then body::text end
from devices_profile where id = any(%s)"""
GONE = "The profile of {device} is no longer there; choose the device again."
TOO_MANY = "These profiles have {found:,} blocks together; at most {most:,} are planned at once. Leave devices out."


class Shelf:
    """The profiles last used, bounded in number and in blocks."""

    def __init__(self, most_profiles: int = MOST_PROFILES, most_blocks: int = MOST_BLOCKS_KEPT) -> None:
        self._most_profiles, self._most_blocks = most_profiles, most_blocks
        self._kept: OrderedDict[str, NetworkProfile] = OrderedDict()

    @property
    def blocks(self) -> int:
        """Counted anew: a question that is given up may end anywhere, and nothing here is left half done."""
        return sum(len(profile.blocks) for profile in self._kept.values())

    def __len__(self) -> int:
        return len(self._kept)

    def take(self, key: str) -> NetworkProfile | None:
        if found := self._kept.get(key):
            self._kept.move_to_end(key)
        return found

    def put(self, key: str, profile: NetworkProfile) -> None:
        self._kept[key] = profile
        self._kept.move_to_end(key)
        while len(self._kept) > self._most_profiles or self.blocks > self._most_blocks:
            self._kept.popitem(last=False)


shelf = Shelf()


def of(devices: Mapping[str, str]) -> dict[str, NetworkProfile]:
    """Those of these keys, each with the name of its device, or Unfit. What is not kept comes in one query."""
    found = {key: profile for key in devices if (profile := shelf.take(key))}
    missing = {key: name for key, name in devices.items() if key not in found}
    if missing:
        found |= _fetched(missing, sum(len(profile.blocks) for profile in found.values()))
    return found


def _fetched(devices: Mapping[str, str], beside: int) -> dict[str, NetworkProfile]:
    rows = _rows([uuid for key in devices if (uuid := _uuid(key))], MOST_BLOCKS_ASKED - beside)
    there = {key for key, _, _ in rows}
    if gone := next((name for key, name in devices.items() if key not in there), None):
        raise Unfit({"places": GONE.format(device=gone)})
    if any(body is None for _, _, body in rows):
        found = beside + sum(blocks for _, blocks, _ in rows)
        raise Unfit({"places": TOO_MANY.format(found=found, most=MOST_BLOCKS_ASKED)})
    read = {key: NetworkProfile.model_validate_json(body) for key, _, body in rows if body}
    for key, profile in read.items():
        shelf.put(key, profile)
    return read


def _uuid(key: str) -> UUID | None:
    try:
        return UUID(key)
    except ValueError:
        return None


def _rows(keys: list[UUID], most_blocks: int) -> list[tuple[str, int, str | None]]:
    """Past Django's cursor, which wants apps that are not here."""
    line = connections["default"]
    try:
        line.ensure_connection()
        rows: list[tuple[str, int, str | None]] = line.connection.execute(FETCH, [most_blocks, keys]).fetchall()
        return rows
    finally:
        line.close()
