"""The measuring half runs where neither torch nor safetensors can be imported: on a board."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.worker.partitioning.slices_built import heard
from worker import menu
from worker.context import Context
from worker.flags import resolve
from worker.orders import Order

ON_A_BOARD = """
import json, sys
from pathlib import Path

class Bare:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "safetensors", "onnx", "sklearn", "scipy", "django"):
            raise ImportError(name + " is not on a board")

sys.meta_path.insert(0, Bare())
from worker import menu
from worker.context import Context
from worker.orders import Order

recipe = menu.get("partitioning.slices")
params = recipe.params.model_validate_json(sys.argv[1])
running = recipe.board.measure(params, Order.model_validate_json(sys.argv[2]), Context(Path(sys.argv[3]), device="a board"))
while True:
    try:
        next(running)
    except StopIteration as end:
        print(json.dumps(end.value))
        break
"""


def test_a_board_runs_all_parts_of_a_plan(tmp_path: Path) -> None:
    recipe = menu.get("partitioning.slices")
    params = recipe.params.model_validate(recipe.example)
    assert recipe.board
    order, _ = heard(recipe.board.prepare(params, Context(tmp_path, inputs=resolve(params))))
    folder = tmp_path / "on the board"
    _carry(order, tmp_path, folder)
    done = subprocess.run([sys.executable, "-c", ON_A_BOARD, params.model_dump_json(), order.model_dump_json(), str(folder)],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["bit_equal"] and found["images"] == 12 and found["restarts"] == 0


def _carry(order: Order, source: Path, target: Path) -> None:
    """Only what the order names."""
    target.mkdir()
    for file in order.files:
        (target / file).write_bytes((source / file).read_bytes())
