"""In a terminal a layer behind which a network in a file cannot be cut is refused before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from worker import menu
from worker.context import ModelInput
from worker.dnn import architectures, files
from worker.flags import Refused, refuse_unfit

SLICES, LITE = menu.get("partitioning.slices"), menu.get("partitioning.scissionlite")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    network = architectures.build("lenet5", 10, (1, 8, 8), seed=1)
    files.save(network, tmp_path / "net.safetensors", in_shape=(1, 8, 8), classes=10, name="net")
    return tmp_path / "net.safetensors"


def test_a_network_in_a_file_is_judged_with_the_line_and_where_all_places_stand(file: Path) -> None:
    given = {"model": ModelInput("net", file=file)}
    asked = {"model": str(file), "dataset": "digits", "between": "pi to edge: 1 ms, 1 Mbit/s"}
    refuse_unfit(SLICES, SLICES.params.model_validate({**asked, "plan": "pi until pool1; edge"}), given)
    with pytest.raises(Refused) as refused:
        refuse_unfit(SLICES, SLICES.params.model_validate({**asked, "plan": "pi until pool9; edge"}), given)
    (line,) = refused.value.lines
    assert line.startswith("plan: Line 1, 'pi until pool9': the network has no layer 'pool9'; it can be cut behind pool")
    assert line.endswith(f"All places to cut: python -m worker inspect {file}")


def test_an_architecture_is_judged_by_its_run() -> None:
    params = LITE.params.model_validate({"model": "lenet5", "dataset": "digits", "after": "nowhere"})
    refuse_unfit(LITE, params, {"model": ModelInput("lenet5", architecture="lenet5")})
