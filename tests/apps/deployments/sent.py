"""A board of the team and a finished run whose network it can be sent; the board answers as its agent does."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.accounts import signing
from apps.catalog import blobs
from apps.deployments.models import Deployment
from apps.experiments.models import Run, RunFile, Status
from tests.apps.boards import Board
from tests.apps.cast import Cast
from worker.addressed.offered import KEY, Batch, First, Offered, Update

FIRST, BATCH = b"the whole network" * 500, b"64 images" * 9
CHANGES = [b"what changed" * 10, b"what changed then" * 10, b"and at last" * 10]
HASHES = [hashlib.sha256(name).hexdigest() for name in (FIRST, b"second", b"third", b"fourth")]


def finished(cast: Cast, folder: Path, *, begins: bytes = FIRST, hashes: list[str] = HASHES, **fields: Any) -> Run:
    """A run of three updates, the files of which are kept."""
    updates = [Update(round=place + 1, path=f"{place + 1}.change", base=hashes[place], result=hashes[place + 1], right=40)
               for place in range(len(CHANGES))]
    offer = Offered(first=First(path="first.onnx", sha256=hashes[0], right=12), updates=updates,
                    batch=Batch(path="batch.npz", sha256="b" * 64, images=64))
    made: Run = cast.run(Status.FINISHED, **{"recipe": "updating.dpu", "inputs": {"model": {"name": "LeNet-5"}},
                                             "summary": {KEY: offer.model_dump(mode="json")}} | fields)
    files = {"first.onnx": begins, "batch.npz": BATCH} | {f"{at + 1}.change": body for at, body in enumerate(CHANGES)}
    for path, body in files.items():
        (folder / "file").write_bytes(body)
        RunFile.objects.create(run=made, path=path, name=path, blob=blobs.keep(folder / "file"))
    return made


@dataclass
class Porch:
    """A board that serves networks."""

    board: Board
    number: int | None = None
    sha256: str = ""
    first: str = ""

    @property
    def network(self) -> dict[str, Any]:
        return {"number": self.number, "sha256": self.sha256, "first_sha256": self.first, "key": signing.fingerprint()}

    def beat(self, **more: Any) -> dict[str, Any] | None:
        """What waits for it, as its beat is told."""
        answer = self.board.beat(network=self.network | more)
        assert answer.status_code == 200, answer.content
        found: dict[str, Any] | None = answer.json()["network"]
        return found

    def fetch(self, wanted: dict[str, Any], part: str = "file", **headers: str) -> Any:
        return self.board.ask("GET", wanted[part]["url"].removeprefix("/api/agent"), **headers)

    def says(self, wanted: dict[str, Any], state: str, reason: str = "", *, tried: bool = True) -> Any:
        said = {"state": state, "reason": reason, "tried": tried, "network": self.network}
        return self.board.ask("POST", f"/deployments/{wanted['deployment']}", said)

    def takes(self, wanted: dict[str, Any], *, tried: bool = True) -> Any:
        row = Deployment.objects.get(pk=wanted["deployment"])
        self.number, self.sha256 = row.number, row.result_sha256
        self.first = row.result_sha256 if row.kind == "first" else self.first
        return self.says(wanted, "taken", tried=tried)
