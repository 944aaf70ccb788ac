"""A board measures loading in new processes too: they run from the wheel, which nothing installs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from apps.devices import agent_wheel
from worker.dnn import architectures, export


def test_a_new_process_of_a_board_loads_a_network_from_the_wheel(tmp_path: Path) -> None:
    made, file = agent_wheel.wheel(), tmp_path / "net.onnx"
    (tmp_path / made.name).write_bytes(made.body)
    export.to_onnx(architectures.build("lenet5", seed=1), (3, 32, 32), file)
    done = subprocess.run([sys.executable, "-m", "worker.profiling.cold", str(file), "1", "1", "2"], cwd=tmp_path,
                          env=os.environ | {"PYTHONPATH": str(tmp_path / made.name)}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["load_ns"] > 0 and len(told["warm_load_ns"]) == 2
