"""What the command line takes for a model: an ONNX file only where the recipe can run it, and only one of the house."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest

from tests.worker.dnn import zoo
from worker import menu
from worker.context import ModelInput
from worker.dnn import quantised
from worker.dnn.export.writer import to_model
from worker.dnn.quantised import Quantised
from worker.flags import Refused, read, resolve


@pytest.fixture
def file(tmp_path: Path) -> Path:
    about = Quantised("lenet as int8", "int8", zoo.IN_SHAPE, 5, True, 1, 1, 1)
    quantised.save(to_model(zoo.network("Chain"), zoo.IN_SHAPE, name="chain"), about, tmp_path / "int8.onnx")
    return tmp_path / "int8.onnx"


def resolved(recipe: str, model: Path, dataset: str = "digits") -> ModelInput:
    params = read(menu.get(recipe), ["--model", str(model), "--dataset", dataset])
    found = resolve(params)["model"]
    assert isinstance(found, ModelInput)
    return found


def test_a_benchmark_takes_a_quantised_network(file: Path) -> None:
    found = resolved("benchmarking.latency", file)
    assert (found.name, found.file, found.precision) == ("int8", file, "int8")


def test_what_needs_floats_refuses_it_and_says_what_it_takes(file: Path) -> None:
    with pytest.raises(Refused, match="it is an int8 network, this recipe takes fp32"):
        resolved("pruning.magnitude", file)


def test_onnx_from_elsewhere_is_not_read_yet(tmp_path: Path) -> None:
    onnx.save(to_model(zoo.network("Chain"), zoo.IN_SHAPE, name="chain"), tmp_path / "a.onnx")
    with pytest.raises(Refused, match=r"ONNX files are not read yet. Allowed: .* an ONNX file that EdgePortal quantised"):
        resolved("benchmarking.latency", tmp_path / "a.onnx")


def test_a_file_that_is_no_data_set_is_refused_before_anything_runs(file: Path) -> None:
    with pytest.raises(Refused, match=r"^dataset: got .*; .* Allowed: digits, digits32, or a data set in a file of EdgePortal$"):
        resolved("benchmarking.latency", file, dataset=str(file))
