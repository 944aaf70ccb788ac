"""A coordinator as a process of its own, to be killed: `python -m tests.worker.federated.real.coordinator_of_three FOLDER`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.worker.federated.real.three import DIGITS, course, ran
from worker.events import Progress
from worker.federated.real.course import Real, RealCourse


def main(folder: Path) -> None:
    def tell(some: RealCourse, _event: Progress) -> None:
        print(json.dumps({"done": some.done, "pids": list(some.running.crew.pids.values())}), flush=True)

    ran(course(RealCourse, rounds=1000, real=Real(DIGITS, folder, 60.0)), folder / "kept", tell)  # type: ignore[arg-type]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
