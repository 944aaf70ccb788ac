"""A new process that loads one safetensors file into torch, runs it once, and says on one line what that took.

`python -m worker.profiling.cold_torch FILE BATCH THREADS REPEATS`.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from worker.profiling.cold import mortal, told


def main(file: str, batch: str, threads: str, repeats: str) -> None:
    mortal()
    begun = time.perf_counter_ns()
    from worker.dnn import files
    from worker.profiling import eager
    from worker.profiling.stopwatch import Call

    def opened() -> Call:
        found = files.load(Path(file))
        return eager.runner(found.network, found.in_shape, batch=int(batch), threads=int(threads))

    print(json.dumps(told(begun, opened, int(repeats))))


if __name__ == "__main__":
    main(*sys.argv[1:])
