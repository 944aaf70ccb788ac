"""What this very process holds of the machine's memory, read from the system. Linux only; elsewhere nothing is told.

Pages are of two kinds: the process's own, and those of program files, which the system may take at any time and reads again.
"""

from __future__ import annotations

import ctypes
import gc
import mmap
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

WORDS = {"VmRSS": "resident_bytes", "VmHWM": "peak_bytes", "RssAnon": "private_bytes"}
KIB = 1024
# Of the C library's `mallopt` (glibc, malloc.h), and from how many bytes on a block is the system's again as soon as it is freed:
# with less the peak of a change is hardly lower, but pages are asked for again and again.
MMAP_THRESHOLD, LARGE_BYTES = -3, 4 << 20
LIBRARY, ITSELF = ".so", "/proc/self/exe"
READ_ONLY = ("r-xp", "r--p")


def held() -> dict[str, int]:
    """`resident_bytes`, `peak_bytes` since the last `forget_peak`, `private_bytes` (resident ones of no file), and `own_bytes`
    (PSS: shared pages by shares)."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return {}
    found = {WORDS[word]: KIB * int(rest.split()[0]) for word, _, rest in _lines(status) if word in WORDS}
    return found | _own()


def resident() -> dict[str, int]:
    """`resident_bytes` and `private_bytes` alone, which cost little: they may be asked for while requests are computed."""
    try:
        _, pages, of_files = (int(each) for each in Path("/proc/self/statm").read_text().split()[:3])
    except (OSError, ValueError):
        return {}
    return {"resident_bytes": pages * mmap.PAGESIZE, "private_bytes": (pages - of_files) * mmap.PAGESIZE}


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


def keep_nothing_large() -> None:
    """Once, at the start: the allocator learns otherwise from the first weights freed to keep blocks of up to 32 MB."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(MMAP_THRESHOLD, LARGE_BYTES)


def give_back() -> None:
    """What was freed goes back to the system: the allocator keeps it otherwise, and it would count as held. So do pages of
    libraries, most of which only loading a network needs; those that are used come back as they are touched."""
    gc.collect()
    with suppress(OSError, AttributeError):
        system = ctypes.CDLL(None)
        system.malloc_trim(0)
        for begin, end in list(_of_libraries()):
            system.madvise(ctypes.c_void_p(begin), ctypes.c_size_t(end - begin), mmap.MADV_DONTNEED)


def _of_libraries() -> Iterator[tuple[int, int]]:
    """Where they lie that are as on disk: none that was written to, as the loader does, for that would be lost. Libraries alone:
    no other thread puts something else in their place meanwhile."""
    found, itself = None, str(Path(ITSELF).resolve())
    for line in Path("/proc/self/smaps").read_text(errors="replace").splitlines():
        if not line[0].isupper():
            span, rights, _, _, _, *name = line.split(maxsplit=5)
            is_one = rights in READ_ONLY and bool(name) and (LIBRARY in Path(name[0]).name or name[0] == itself)
            found = span if is_one else None
        elif found and line.startswith("Anonymous:") and line.split()[1] == "0":
            begin, _, end = found.partition("-")
            yield int(begin, 16), int(end, 16)
