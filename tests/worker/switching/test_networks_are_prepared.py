"""Networks as a run is given them: each once, under a name of its own, as files that answer alike, its accuracy measured."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from worker.context import Context, DatasetInput, ModelInput
from worker.dnn import architectures, files
from worker.events import Event, Log, Measured, VariantMade
from worker.orders import Order
from worker.switching.holding import opened
from worker.switching.packing import checked, expand
from worker.switching.preparing import prepare

SHAPE = (1, 8, 8)


def prepared(folder: Path, models: dict[str, ModelInput], *, is_dense_wanted: bool = False) -> tuple[Order, list[Event]]:
    context = Context(folder, inputs={**models, "dataset": DatasetInput("digits")}, seed=1)
    half, said = prepare(list(models), context, is_dense_wanted=is_dense_wanted), list[Event]()
    while True:
        try:
            said.append(next(half))
        except StopIteration as end:
            return end.value, said


def kept(folder: Path, name: str, seed: int, variant: str) -> ModelInput:
    file = folder / f"{variant}.safetensors"
    files.save(architectures.build(name, 10, SHAPE, seed=seed), file, in_shape=SHAPE, classes=10, name=name)
    return ModelInput("LeNet", file=file, variant=variant)


def test_variants_of_one_model_are_called_as_such_and_each_is_taken_once(tmp_path: Path) -> None:
    one, other = kept(tmp_path, "lenet5", 1, "dense"), kept(tmp_path, "lenet5", 2, "level 3")
    order, said = prepared(tmp_path / "run", {"model": one, "model_2": other, "model_3": one})
    assert [each["name"] for each in order.facts["networks"]] == ["dense", "level 3"]
    made = {event.name: event.given_as for event in said if isinstance(event, VariantMade)}
    assert made == {"dense": "model", "level 3": "model_2"}


def test_networks_of_several_models_keep_their_models_names(tmp_path: Path) -> None:
    other = ModelInput("vgg5", architecture="vgg5")
    order, _ = prepared(tmp_path / "run", {"model": kept(tmp_path, "lenet5", 1, "dense"), "model_2": other, "model_3": other})
    assert [each["name"] for each in order.facts["networks"]] == ["LeNet · dense", "vgg5", "vgg5, 2"]


def test_packed_and_plain_files_answer_alike_and_all_are_in_the_order(tmp_path: Path) -> None:
    order, _ = prepared(tmp_path, {"model": ModelInput("lenet5", architecture="lenet5")})
    (about,) = order.facts["networks"]
    assert {about["file"], about["packed"], "images.safetensors"} <= set(order.files)
    image = np.random.default_rng(0).standard_normal((1, *SHAPE), dtype=np.float32)
    plain = opened(str(tmp_path / about["file"]), image, 1)
    packed = opened(expand(checked((tmp_path / about["packed"]).read_bytes())), image, 1)
    assert np.array_equal(plain(image), packed(image))


def test_what_is_not_trained_is_said_and_its_accuracy_measured_all_the_same(tmp_path: Path) -> None:
    _, said = prepared(tmp_path, {"model": ModelInput("lenet5", architecture="lenet5")})
    assert any(isinstance(event, Log) and "is not trained, as far as is known" in event.message for event in said)
    (score,) = [event for event in said if isinstance(event, Measured)]
    assert score.metric == "accuracy" and score.n == 360


def test_a_network_with_other_layers_keeps_its_size_among_dense_ones_and_that_is_said(tmp_path: Path) -> None:
    models = {"model": ModelInput("vgg5", architecture="vgg5"), "model_2": ModelInput("lenet5", architecture="lenet5")}
    order, said = prepared(tmp_path, models, is_dense_wanted=True)
    assert [each["dense"] for each in order.facts["networks"]] == ["vgg5.onnx", "lenet5.onnx"]
    assert any(isinstance(event, Log) and "lenet5 has no form at the size of vgg5" in event.message for event in said)


def test_networks_that_do_not_take_the_data_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expects images of 3x32x32 but the data set has 1x8x8"):
        prepared(tmp_path / "run", {"model": kept_for_other_images(tmp_path)})


def kept_for_other_images(folder: Path) -> ModelInput:
    file = folder / "large.safetensors"
    files.save(architectures.build("lenet5", 10, (3, 32, 32), seed=1), file, in_shape=(3, 32, 32), classes=10, name="lenet5")
    return ModelInput("large", file=file)
