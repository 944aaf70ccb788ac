"""What a run in the portal is told of a quantised variant."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.catalog import blobs
from apps.catalog.models import Dataset, RegisteredModel, Variant
from apps.experiments import actions
from tests.apps.cast import Cast, gather
from worker.context import ModelInput
from worker.tasks.supervisor import job_of


@pytest.fixture
def cast(db: None) -> Cast:
    return gather()


def test_the_precision_of_a_variant_reaches_the_process_that_opens_its_file(cast: Cast, tmp_path: Path) -> None:
    (tmp_path / "int8.onnx").write_bytes(b"an ONNX file")
    blob = blobs.keep(tmp_path / "int8.onnx")
    model = RegisteredModel.objects.create(team=cast.team, name="LeNet", in_shape=[1, 8, 8], classes=10)
    variant = Variant.objects.create(team=cast.team, model=model, name="int8", file=blob, onnx=blob, precision="int8",
                                     size_bytes=1, params=1, macs=1, activation_bytes=1)
    data = Dataset.objects.create(team=cast.team, name="small", in_shape=[1, 8, 8], classes=10, file=blob)
    asked = {"model": str(variant.pk), "dataset": str(data.pk)}
    run = actions.launch(cast.alice, cast.team, "benchmarking.latency", asked)
    given = job_of(run).resolved()["model"]
    assert isinstance(given, ModelInput) and (given.precision, given.architecture) == ("int8", None)
