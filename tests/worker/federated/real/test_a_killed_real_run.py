"""A run over real processes that is killed leaves none behind, and goes on after the last round that was finished.

Its network draws by lot on both sides of each cut, for several clients in one edge server: that too is as in one place.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.portal import ROOT, until
from tests.worker.federated.real.coordinator_of_three import real
from tests.worker.federated.real.three import DRAWING, course, ran, runs
from worker.context import Checkpoints
from worker.events import Log
from worker.federated.course import CHECKPOINT
from worker.federated.states import same

PROGRAM = "tests.worker.federated.real.coordinator_of_three"


def killed(folder: Path) -> set[int]:
    """A coordinator, killed in the middle of a round behind the first; all processes that it had."""
    pids = set[int]()
    with subprocess.Popen([sys.executable, "-m", PROGRAM, str(folder)], cwd=ROOT, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                said = json.loads(line)
                pids.update(said["pids"])
                if said["done"] >= 1:
                    break
        finally:
            process.kill()
    return pids


def test_a_killed_run_goes_on_after_its_last_round_and_leaves_no_process(tmp_path: Path) -> None:
    pids = killed(tmp_path)
    assert pids
    until(lambda: not any(runs(pid) for pid in pids), 20, "the end of all processes")
    kept = Checkpoints(tmp_path / "kept").last(CHECKPOINT)
    assert kept is not None
    rounds = kept[0] + 1
    resumed = ran(real(tmp_path, rounds), tmp_path / "kept")
    assert any(isinstance(each, Log) and each.message.startswith(f"Going on after round {kept[0]}") for each in resumed.events)
    assert same(resumed.states[-1], ran(course(rounds=rounds, network=DRAWING), tmp_path / "emulated").states[-1])
