"""A new process that loads one ONNX file, runs it once, and says on one line what that took in time and memory.

`python -m worker.profiling.cold FILE BATCH THREADS REPEATS`. Started by `fresh`, never imported where something is timed.
"""

from __future__ import annotations

import ctypes
import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from worker.profiling.sysfs import field

PR_SET_PDEATHSIG = 1
Opener = Callable[[], Callable[[], object]]


def resident_bytes(word: str = "VmRSS") -> int | None:
    """What of this process is in memory now, or (`VmHWM`) was at most."""
    found = field(Path("/proc/self/status"), word)
    return found * 1024 if found is not None else None


def forget_the_peak() -> bool:
    """Count the peak from here on; False where the system does not allow it."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def told(begun: int, open_: Opener, repeats: int) -> dict[str, Any]:
    """Load, first inference, peak memory, then loading again with everything warm. `begun`: before the runtime was imported."""
    imported = time.perf_counter_ns()
    anew, bare = forget_the_peak(), resident_bytes()
    call = open_()
    loaded = time.perf_counter_ns()
    call()
    ran = time.perf_counter_ns()
    call()
    peak, again = resident_bytes("VmHWM"), list[int]()
    del call
    for _ in range(repeats):
        start = time.perf_counter_ns()
        open_()
        again.append(time.perf_counter_ns() - start)
    return {"import_ns": imported - begun, "load_ns": loaded - imported, "first_ns": ran - loaded, "warm_load_ns": again,
            "bare_bytes": bare, "peak_bytes": peak, "peak_is_its_own": anew}


def mortal() -> None:
    """Do not outlive the process that waits for this one."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main(file: str, batch: str, threads: str, repeats: str) -> None:
    mortal()
    begun = time.perf_counter_ns()
    from worker.profiling import onnx

    print(json.dumps(told(begun, lambda: onnx.runner(Path(file), batch=int(batch), threads=int(threads)), int(repeats))))


if __name__ == "__main__":
    main(*sys.argv[1:])
