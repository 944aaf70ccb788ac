"""A trace is driven where neither torch nor safetensors can be imported: on a board."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

from apps.devices import agent_wheel
from worker import menu
from worker.context import Context
from worker.events import Event
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

recipe = menu.get("portfolio.switching")
params = recipe.params.model_validate_json(sys.argv[1])
running = recipe.board.measure(params, Order.model_validate_json(sys.argv[2]), Context(Path(sys.argv[3]), device="a board"))
while True:
    try:
        next(running)
    except StopIteration as end:
        print(json.dumps(end.value))
        break
"""


def test_a_board_serves_the_trace_in_a_process_of_its_own(tmp_path: Path) -> None:
    recipe = menu.get("portfolio.switching")
    params = recipe.params.model_validate(recipe.example)
    assert recipe.board
    order = _ended(recipe.board.prepare(params, Context(tmp_path, inputs=resolve(params), seed=params.seed)))
    folder = tmp_path / "on the board"
    _carry(order, tmp_path, folder)
    done = subprocess.run([sys.executable, "-c", ON_A_BOARD, params.model_dump_json(), order.model_dump_json(), str(folder)],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (way,) = json.loads(done.stdout.splitlines()[-1])["drive_ways"]
    assert way["arrived"] == way["answered"] > 0 and way["swaps"] == 1
    assert sum(way["answered_by"].values()) == way["answered"] and set(way["answered_by"]) == {"vgg5", "lenet5"}


def test_the_wheel_of_boards_has_the_serving_process_and_nothing_of_its_torch_half() -> None:
    modules = agent_wheel.modules()
    assert {"worker.recipes.portfolio.switching", "worker.switching.running", "worker.switching.host"} <= set(modules)
    assert "worker.switching.preparing" not in modules


def _ended(half: Generator[Event, None, Order]) -> Order:
    while True:
        try:
            next(half)
        except StopIteration as end:
            order: Order = end.value
            return order


def _carry(order: Order, source: Path, target: Path) -> None:
    """Only what the order names."""
    target.mkdir()
    for file in order.files:
        (target / file).write_bytes((source / file).read_bytes())
