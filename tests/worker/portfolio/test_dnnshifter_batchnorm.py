"""The same of a network with batch-norm and residual sums: a channel that a mask emptied takes its affine along."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from tests.worker.portfolio.conftest import run
from worker import datasets
from worker.context import Checkpoints, DatasetInput
from worker.datasets import normalise
from worker.dnn import architectures, files
from worker.events import Finished
from worker.sparsity.packing import unpack

SHORT: dict[str, Any] = {"epochs": 3, "levels": 2, "fraction": 0.85, "rewind": 0.1, "portfolio": "all"}


def test_every_level_answers_as_its_sparse_checkpoint(tmp_path: Path) -> None:
    data = datasets.load(DatasetInput("digits"))
    network = architectures.build("resnet20", 10, data.in_shape, width=0.25, seed=7)
    given = tmp_path / "narrow.safetensors"
    files.save(network, given, in_shape=data.in_shape, classes=10, name="resnet20")
    events = run(tmp_path / "run", model=str(given), **SHORT)
    assert isinstance(events[-1], Finished), events[-1]
    rows = events[-1].summary["levels"]
    assert len(rows) == 3 and rows[-1]["params"] < rows[0]["params"], "without an emptied channel this would show nothing"

    images = normalise(data.parts["test"].images, data)
    checkpoints = Checkpoints(tmp_path / "run" / "checkpoints")
    for row in rows:
        known = checkpoints.last(f"level-{row['level']:03}")
        assert known is not None
        network.load_state_dict(unpack(known[1], network.state_dict())[0])
        small = files.load(tmp_path / "run" / f"{row['variant'].replace(' ', '-')}.safetensors").network
        with torch.inference_mode():
            sparse, compact = network.eval()(images), small.eval()(images)
        assert torch.equal(sparse.argmax(1), compact.argmax(1)) and row["different"] == 0
        assert float((sparse - compact).abs().max()) <= 1e-5 * max(1.0, float(sparse.abs().max()))
