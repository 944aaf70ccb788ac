"""A quantised variant from the trained network to the file that a device runs."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from worker import menu
from worker.context import Context, DatasetInput, ModelInput
from worker.datasets import Data, normalise
from worker.dnn import files, quantised
from worker.events import Event, Failed, Finished, Log, Measured, VariantMade
from worker.executor import execute

both = pytest.mark.parametrize("precision", ["fp16", "int8"])


def run(recipe: str, context: Context, **changes: Any) -> list[Event]:
    found = menu.get(recipe)
    params = found.params.model_validate(found.example | changes)
    return list(execute(found, params, context))


@pytest.fixture(scope="module")
def stories(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[list[Event], Path]]:
    torch.set_num_threads(1)
    told = {}
    for precision in ("fp16", "int8"):
        folder = tmp_path_factory.mktemp(precision)
        context = Context(folder, {"model": ModelInput("lenet", file=trained), "dataset": DatasetInput("digits")})
        told[precision] = run(f"quantisation.{precision}", context), folder
    return told


Stories = dict[str, tuple[list[Event], Path]]


def summary(events: list[Event]) -> dict[str, Any]:
    assert isinstance(events[-1], Finished), events[-1]
    return events[-1].summary


@both
def test_its_accuracy_is_that_of_the_file_in_onnx_runtime(stories: Stories, precision: str, data: Data) -> None:
    events, folder = stories[precision]
    session = onnxruntime.InferenceSession(str(folder / f"{precision}.onnx"), providers=["CPUExecutionProvider"])
    part = data.parts["test"]
    answers = session.run(None, {"input": normalise(part.images, data).numpy()})[0].argmax(1)
    right = float((answers == part.labels.numpy()).mean())
    said = {event.metric: event for event in events if isinstance(event, Measured) and event.variant == precision}
    assert said["accuracy"].value == right == summary(events)["accuracy_after"] > 0.8
    assert said["accuracy"].engine == "onnxruntime" and said["accuracy"].low < right < said["accuracy"].high


@both
def test_the_fp32_network_is_judged_by_the_same_engine_and_answers_as_in_torch(
    stories: Stories, precision: str, trained: Path, data: Data,
) -> None:
    part, network = data.parts["test"], files.load(trained).network
    with torch.inference_mode():
        right = float((network(normalise(part.images, data)).argmax(1) == part.labels).float().mean())
    assert summary(stories[precision][0])["accuracy_before"] == pytest.approx(right)


@both
def test_the_variant_is_one_onnx_file_with_the_facts_of_the_network(stories: Stories, precision: str) -> None:
    events, folder = stories[precision]
    made = {event.name: event for event in events if isinstance(event, VariantMade)}
    few, full = made[precision], made["fp32"]
    assert (few.file, few.onnx, few.precision, few.parent) == (f"{precision}.onnx", f"{precision}.onnx", precision, "fp32")
    assert few.sha256 == hashlib.sha256((folder / few.file).read_bytes()).hexdigest()
    assert few.facts.size_bytes == (folder / few.file).stat().st_size
    assert (few.facts.params, few.facts.macs) == (full.facts.params, full.facts.macs)
    assert few.facts.activation_bytes < full.facts.activation_bytes


@both
def test_the_files_compared_are_both_onnx(stories: Stories, precision: str) -> None:
    events, folder = stories[precision]
    found = summary(events)
    assert found["size_bytes_before"] == (folder / "fp32.onnx").stat().st_size
    assert found["size_bytes_after"] == (folder / f"{precision}.onnx").stat().st_size
    assert f"the ONNX file is {found['size_bytes_before'] / found['size_bytes_after']:.1f}× smaller" in found["verdict"]


@both
def test_both_networks_are_timed_in_onnx_runtime_alone(stories: Stories, precision: str) -> None:
    timed = {(event.variant, event.engine) for event in stories[precision][0]
             if isinstance(event, Measured) and event.metric == "latency_ms_p50"}
    assert timed == {("fp32", "onnxruntime"), (precision, "onnxruntime")}


def given(stories: Stories, tmp_path: Path, precision: Any = "int8", dataset: str = "digits") -> Context:
    # Kept by its hash, a file has no suffix.
    shutil.copy(stories[precision][1] / f"{precision}.onnx", tmp_path / "blob")
    model = ModelInput("small lenet", file=tmp_path / "blob", precision=precision)
    return Context(tmp_path / "run", {"model": model, "dataset": DatasetInput(dataset)})


@both
def test_its_latency_can_be_measured_again_in_the_one_engine_that_runs_it(
    stories: Stories, precision: str, tmp_path: Path,
) -> None:
    events = run("benchmarking.latency", given(stories, tmp_path, precision), engine="both")
    made = next(event for event in events if isinstance(event, VariantMade))
    before = next(event for event in stories[precision][0] if isinstance(event, VariantMade) and event.name == precision)
    assert (made.sha256, made.precision, made.facts) == (before.sha256, precision, before.facts)
    assert {event.engine for event in events if isinstance(event, Measured) and event.engine} == {"onnxruntime"}
    assert any(isinstance(event, Log) and "torch cannot run it" in event.message for event in events)
    assert summary(events)["latency_engine"] == "onnxruntime"


def reason(events: list[Event]) -> str:
    assert isinstance(events[-1], Failed)
    return events[-1].reason


def test_torch_alone_is_refused_for_it(stories: Stories, tmp_path: Path) -> None:
    events = run("benchmarking.latency", given(stories, tmp_path), engine="torch")
    assert reason(events) == "small lenet is quantised (int8): torch cannot run it; choose onnxruntime."


def test_data_it_was_not_made_for_are_refused_with_both_shapes(stories: Stories, tmp_path: Path) -> None:
    events = run("benchmarking.latency", given(stories, tmp_path, dataset="digits32"))
    assert reason(events) == "The model lenet as int8 expects images of 1x8x8 but the data set has 3x32x32."


def test_recipes_that_need_floats_refuse_it_in_a_sentence(stories: Stories, tmp_path: Path) -> None:
    events = run("pruning.magnitude", given(stories, tmp_path))
    assert reason(events) == "small lenet is an int8 network; this recipe needs the fp32 one it was made from."


@pytest.mark.parametrize("body", [b"", b"\x08\x07", b"<html>", b"\x00" * 100])
def test_a_file_from_elsewhere_is_refused(body: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(body)
    with pytest.raises(quantised.Refused):
        quantised.read(tmp_path / "a.onnx")


def test_an_onnx_twin_of_an_fp32_network_is_no_quantised_one(stories: Stories) -> None:
    with pytest.raises(quantised.Refused, match="was not quantised by EdgePortal"):
        quantised.read(stories["int8"][1] / "fp32.onnx")


def test_a_file_whose_words_were_changed_is_refused(stories: Stories, tmp_path: Path) -> None:
    import onnx

    model = onnx.load(stories["int8"][1] / "int8.onnx")
    for told in ('{"precision":"fp32"}', "[]", "{", '{"in_shape":"1x8x8"}'):
        onnx.helper.set_model_props(model, {quantised.KEY: told})
        onnx.save(model, tmp_path / "a.onnx")
        with pytest.raises(quantised.Refused, match="does not fit together"):
            quantised.read(tmp_path / "a.onnx")


def test_it_composes_with_a_pruned_network(trained: Path, tmp_path: Path) -> None:
    given_ = Context(tmp_path / "pruned", {"model": ModelInput("lenet", file=trained), "dataset": DatasetInput("digits")})
    pruned = [event for event in run("pruning.magnitude", given_, epochs=1) if isinstance(event, VariantMade)][-1]
    model = ModelInput("pruned", file=given_.workdir / pruned.file)
    events = run("quantisation.int8", Context(tmp_path / "few", {"model": model, "dataset": DatasetInput("digits")}))
    made = [event for event in events if isinstance(event, VariantMade)][-1]
    assert made.facts.params == pruned.facts.params and made.facts.size_bytes < pruned.facts.size_bytes
    weights = np.concatenate([np.abs(each).ravel() for each in _bytes(tmp_path / "few" / made.file)])
    assert (weights == 0).mean() > 0.5


def _bytes(path: Path) -> list[np.ndarray]:
    import onnx

    return [onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer
            if tensor.name.endswith(".weight_quantized")]
