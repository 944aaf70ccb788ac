"""The measuring half of a recipe's example in a process that can import neither torch nor safetensors: on a board."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

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

recipe = menu.get(sys.argv[1])
params = recipe.params.model_validate_json(sys.argv[2])
running = recipe.board.measure(params, Order.model_validate_json(sys.argv[3]), Context(Path(sys.argv[4]), device="a board"))
while True:
    try:
        next(running)
    except StopIteration as end:
        print(json.dumps(end.value))
        break
"""


def measured(name: str, folder: Path) -> dict[str, Any]:
    """The summary; the board had the files that the order names, and no others."""
    recipe = menu.get(name)
    params = recipe.params.model_validate(recipe.example)
    assert recipe.board
    order = _ended(recipe.board.prepare(params, Context(folder, inputs=resolve(params), seed=params.seed)))
    board = folder / "on the board"
    board.mkdir()
    for file in order.files:
        (board / file).write_bytes((folder / file).read_bytes())
    done = subprocess.run([sys.executable, "-c", ON_A_BOARD, name, params.model_dump_json(), order.model_dump_json(), str(board)],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _ended(half: Generator[Event, None, Order]) -> Order:
    while True:
        try:
            next(half)
        except StopIteration as end:
            order: Order = end.value
            return order
