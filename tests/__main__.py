"""`python -m tests` runs every test, in two halves beside each other: those that compute, and those that start whole portals and
browsers and mostly wait. What is typed behind it goes to pytest in both halves.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

HERE = Path(__file__).parent
WAITING = ("browser", "kill")
NOTHING_COLLECTED = 5


def halves() -> dict[str, list[str]]:
    """Folders and files of tests by half; what is in no folder of the waiting ones computes, so that none is left out."""
    folders = {path for path in HERE.iterdir() if path.is_dir() and path.name != "__pycache__"}
    waiting = {HERE / name for name in WAITING}
    return {"compute": _told(folders.union(HERE.glob("test_*.py")) - waiting), "portals and browsers": _told(waiting)}


def _told(paths: set[Path]) -> list[str]:
    return sorted(str(path.relative_to(HERE.parent)) for path in paths)


def main(options: list[str]) -> int:
    """0 when both halves passed; the first one's words come as it runs, the second's when it is through."""
    (first, mine), (second, others) = halves().items()
    with tempfile.TemporaryFile() as kept:
        beside = _begun(others, options, kept)
        try:
            print(f"== {first}", flush=True)
            codes = [_begun(mine, options, None).wait(), beside.wait()]
        finally:
            beside.terminate()
        print(f"== {second}", flush=True)
        kept.seek(0)
        sys.stdout.buffer.write(kept.read())
    sys.stdout.flush()
    return next((code for code in codes if code not in (0, NOTHING_COLLECTED)), 0)


def _begun(paths: list[str], options: list[str], out: IO[bytes] | None) -> subprocess.Popen[bytes]:
    # One thread a library: two halves and what they start share the cores already. Bytecode is kept, whatever this shell says:
    # hundreds of processes are started, and each would compile the house anew.
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment = {"OMP_NUM_THREADS": "1", **kept}
    return subprocess.Popen([sys.executable, "-m", "pytest", *paths, *options], cwd=HERE.parent, env=environment, stdout=out,
                            stderr=subprocess.STDOUT if out else None)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
