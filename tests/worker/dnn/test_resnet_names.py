"""ResNets for small images under the names that many repositories give them."""

from __future__ import annotations

import pytest

from worker.dnn import architectures
from worker.dnn.ingest import fitting


@pytest.mark.parametrize("name", ["resnet18", "resnet20", "resnet50"])
def test_shortcut_and_linear_are_taken_with_a_note(name: str) -> None:
    ours = architectures.outline(name, 10, (3, 32, 32)).state_dict()
    theirs = {key.replace(".downsample.", ".shortcut.").replace("fc.", "linear."): value for key, value in ours.items()}
    assert theirs.keys() != ours.keys() and fitting.differences(name, theirs, 10, (3, 32, 32)) == []
    assert "have other names here" in architectures.translated(name, theirs)[1][0]
