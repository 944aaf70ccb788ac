"""Structures that this process has read: files never change, so what was read once stays true. Bounded by layers, not files."""

from __future__ import annotations

import threading
from collections import OrderedDict

from apps.catalog import blobs
from worker.structure import VERSION, Structure

MOST_BYTES = 20_000_000
# About 2 kB of memory each.
MOST_LAYERS = 10_000
_read: OrderedDict[str, Structure] = OrderedDict()
_lock = threading.Lock()


def structure(sha256: str) -> Structure | None:
    """The structure in the file of this hash; None for one that another version wrote.

    Raises what `blobs.open` does, and ValidationError for a file that is no structure.
    """
    with _lock:
        if sha256 in _read:
            _read.move_to_end(sha256)
            return _read[sha256]
    body = _body(sha256)
    # The version comes first in the file: another one may have other fields.
    if not body.startswith(b'{"version":%d,' % VERSION):
        return None
    found = Structure.model_validate_json(body)
    _keep(sha256, found)
    return found


def _body(sha256: str) -> bytes:
    source = blobs.open(sha256)
    try:
        return b"".join(iter(source.read, b"")) if source.size <= MOST_BYTES else b""
    finally:
        source.close()


def _keep(sha256: str, found: Structure) -> None:
    """Those that were not asked for longest make room; the newest always stays."""
    with _lock:
        _read[sha256] = found
        while len(_read) > 1 and sum(len(each.layers) for each in _read.values()) > MOST_LAYERS:
            _read.popitem(last=False)
