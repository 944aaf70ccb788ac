"""A coordinator as a process of its own, to be killed: `python -m tests.worker.federated.real.coordinator_of_three FOLDER`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.worker.federated.real.three import DIGITS, DRAWING, course, ran
from worker.events import Progress
from worker.federated.real.course import Real, RealCourse


def real(folder: Path, rounds: int) -> RealCourse:
    found: RealCourse = course(RealCourse, rounds=rounds, network=DRAWING, real=Real(DIGITS, folder, 60.0))
    return found


def main(folder: Path) -> None:
    def tell(some: Any, _event: Progress) -> None:
        print(json.dumps({"done": some.done, "pids": list(some.running.crew.pids.values())}), flush=True)

    ran(real(folder, rounds=1000), folder / "kept", tell)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
