"""What this very process holds of the machine's memory, read from the system. Linux only; elsewhere nothing is told."""

from __future__ import annotations

import ctypes
import gc
import mmap
from contextlib import suppress
from pathlib import Path

WORDS = {"VmRSS": "resident_bytes", "VmHWM": "peak_bytes"}
KIB = 1024


def held() -> dict[str, int]:
    """`resident_bytes`, `peak_bytes` since the last `forget_peak`, and `own_bytes` (PSS: shared pages by shares)."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return {}
    found = {WORDS[word]: KIB * int(rest.split()[0]) for word, _, rest in _lines(status) if word in WORDS}
    return found | _own()


def resident() -> dict[str, int]:
    """`resident_bytes` alone, which costs little: it may be asked for while requests are computed."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError, IndexError):
        return {}
    return {"resident_bytes": pages * mmap.PAGESIZE}


def _own() -> dict[str, int]:
    with suppress(OSError):
        for word, _, rest in _lines(Path("/proc/self/smaps_rollup").read_text()):
            if word == "Pss":
                return {"own_bytes": KIB * int(rest.split()[0])}
    return {}


def _lines(text: str) -> list[tuple[str, str, str]]:
    return [line.partition(":") for line in text.splitlines()]


def forget_peak() -> bool:
    """The peak counts from now on; whether the system let us."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def give_back() -> None:
    """What was freed goes back to the system: the allocator keeps it otherwise, and it would count as held."""
    gc.collect()
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
