"""What a serving process does not use goes back to the system, and nothing of it is lost."""

from __future__ import annotations

import mmap
import subprocess
import sys
from pathlib import Path

# In a process of its own: what is given back is the whole process's.
LIBRARIES = """
import numpy, onnxruntime
from worker.switching import memory
before = memory.held()
memory.give_back()
after = memory.held()
assert after["resident_bytes"] < before["resident_bytes"] - 8e6, (before, after)
assert after["private_bytes"] > 0.9 * before["private_bytes"], (before, after)
values = numpy.random.default_rng(0).standard_normal((64, 64))
assert numpy.allclose(values @ numpy.linalg.inv(values), numpy.eye(64), atol=1e-6)
assert onnxruntime.get_available_providers()
assert memory.held()["resident_bytes"] > after["resident_bytes"]
"""
WRITTEN = """
import ctypes, mmap, sys
from worker.switching import memory
system = ctypes.CDLL(None, use_errno=True)
system.mmap.restype = ctypes.c_void_p
with open(sys.argv[1], "rb") as file:
    kept = []
    for text in (b"relocated", b"on disk"):
        at = system.mmap(None, ctypes.c_size_t(mmap.PAGESIZE), 3, mmap.MAP_PRIVATE, file.fileno(), ctypes.c_long(0))
        if text == b"relocated":
            ctypes.memmove(at, text, len(text))
        ctypes.string_at(at, 9)
        assert system.mprotect(ctypes.c_void_p(at), ctypes.c_size_t(mmap.PAGESIZE), 1) == 0
        kept.append((at, text))
spans = list(memory._of_libraries())
assert [any(begin <= at < end for begin, end in spans) for at, _ in kept] == [False, True]
memory.give_back()
assert all(ctypes.string_at(at, len(text)) == text for at, text in kept)
"""
LARGE = """
import ctypes
from worker.switching import memory
memory.keep_nothing_large()
system = ctypes.CDLL(None)
system.malloc.restype = ctypes.c_void_p
def taken():
    block = ctypes.c_void_p(system.malloc(ctypes.c_size_t(SIZE)))
    ctypes.memset(block, 1, SIZE)
    return block
SIZE = 24 << 20
first, second = taken(), taken()
before = memory.resident()["resident_bytes"]
system.free(first)
third, fourth = taken(), taken()
system.free(third)
assert memory.resident()["resident_bytes"] < before + SIZE / 2
"""


def test_pages_of_libraries_go_back_and_come_again_when_they_are_used() -> None:
    _run(LIBRARIES)


def test_a_page_that_was_written_to_stays_as_it_is(tmp_path: Path) -> None:
    """As the loader does with addresses before it makes them read-only."""
    library = tmp_path / "libsome.so"
    library.write_bytes(b"on disk".ljust(mmap.PAGESIZE, b"."))
    _run(WRITTEN, str(library))


def test_a_large_block_goes_back_as_soon_as_it_is_freed() -> None:
    _run(LARGE)


def _run(code: str, *arguments: str) -> None:
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
