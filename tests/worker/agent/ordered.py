"""An order as the portal prepares it, and a board's folder that has joined a portal."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from tests.worker.agent.fake_portal import FakePortal
from worker import menu
from worker.agent import running
from worker.agent.portal import Portal
from worker.agent.running import Means, Outcome, Running
from worker.agent.state import Folder, Identity
from worker.agent.trust import Address
from worker.context import Context
from worker.flags import resolve

RECIPE = "benchmarking.latency"
# No waiting for the machine to come to rest, no processes beside: what is tested here is the way to the portal.
VALUES = {"model": "lenet5", "dataset": "digits", "engine": "onnxruntime", "laps": 20, "warmup": 2, "seconds": 0.0,
          "batches": [], "cold": 0, "cooldown": 0, "tries": 1}


def prepared(folder: Path) -> tuple[dict[str, bytes], dict[str, Any]]:
    """Files and facts of LeNet-5's order."""
    recipe = menu.get(RECIPE)
    params = recipe.params.model_validate(VALUES)
    assert recipe.board
    half = recipe.board.prepare(params, Context(folder, inputs=resolve(params)))
    while True:
        try:
            next(half)
        except StopIteration as end:
            return {path: (folder / path).read_bytes() for path in end.value.files}, end.value.facts


class Board:
    """A joined board, as far as a test needs it: its folder, and a way to live through the run it holds."""

    def __init__(self, path: Path, portal: FakePortal) -> None:
        self.folder = Folder(path)
        self.portal = portal
        self.stopping = threading.Event()
        device = {"id": "x", "name": "board"}
        Identity(Address(portal.base), "epa_one_two", self.folder.instance(), device, "T", 0.1).keep(self.folder)

    def line(self) -> Portal:
        return Portal(Address(self.portal.base), self.folder.instance(), lambda: "epa_one_two")

    def claim(self) -> dict[str, Any]:
        """Take the run that waits."""
        found = self.line().ask("POST", "/api/agent/claim", {"request": "one"}).body
        running.begin(self.folder, found)
        return found

    def live(self) -> Outcome:
        claim = running.held(self.folder)
        assert claim
        return Running(self.folder, claim, self.line(), Means(), self.stopping).live()
