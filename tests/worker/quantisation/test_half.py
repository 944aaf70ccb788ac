"""Half precision: 16 bits inside, 32 outside, and what they cannot hold is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto

from tests.worker.dnn import zoo
from tests.worker.quantisation.conftest import finished
from worker.datasets import Data, normalise
from worker.datasets.data import Part
from worker.quantisation import half
from worker.quantisation.graph import Folded, rounding_errors


def noise(shape: tuple[int, ...]) -> Data:
    images = torch.randint(0, 256, (24, *shape), dtype=torch.uint8)
    part = Part(images, torch.zeros(24, dtype=torch.int64))
    return Data("noise", shape, 5, tuple("abcde"), (0.5,) * 3, (0.3,) * 3, "RGB",
                {"train": part, "validation": part, "test": part})


def run(model: onnx.ModelProto, images: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    answer: np.ndarray = session.run(None, {"input": images})[0]
    return answer


@pytest.mark.parametrize("name", zoo.ALL)
def test_every_coupling_answers_nearly_alike(name: str) -> None:
    network, data = zoo.network(name, dtype=torch.float32), noise(zoo.IN_SHAPE)
    folded = Folded.of(network, zoo.IN_SHAPE)
    reduced = finished(half.quantiser(data)(folded))
    images = normalise(data.parts["test"].images, data)
    expected = network(images).detach().numpy()
    assert np.abs(run(reduced.model, images.numpy()) - expected).max() < 0.01 * np.abs(expected).max()
    assert max(rounding_errors(folded.weights, reduced.weights).values()) < 2**-11


def test_weights_take_two_bytes_and_images_and_answers_stay_floats() -> None:
    folded = Folded.of(zoo.network("Residual", dtype=torch.float32), zoo.IN_SHAPE)
    model = finished(half.quantiser(noise(zoo.IN_SHAPE))(folded)).model
    assert {tensor.data_type for tensor in model.graph.initializer} == {TensorProto.FLOAT16}
    assert {each.type.tensor_type.elem_type for each in (*model.graph.input, *model.graph.output)} == {TensorProto.FLOAT}
    assert len(model.SerializeToString()) < 0.6 * len(folded.model.SerializeToString())


def told(scale: float) -> tuple[list[Any], str]:
    network = zoo.network("Unpadded", dtype=torch.float32)
    with torch.no_grad():
        network.get_submodule("2").weight.mul_(scale)
    said: list[Any] = []
    reduced = finished(half.quantiser(noise(zoo.IN_SHAPE))(Folded.of(network, zoo.IN_SHAPE)), said.append)
    return said, reduced.doubt


def test_results_that_16_bits_cannot_hold_are_found_though_the_engine_hides_them() -> None:
    said, doubt = told(4e5)
    assert "more than half precision holds (65,504)" in doubt
    assert [event.level for event in said] == ["warning"]
    assert told(1.0) == ([], "")


def test_weights_that_16_bits_cannot_hold_are_named() -> None:
    said, _ = told(1e7)
    assert said[0].message.startswith("weights of 2 were cut to 65,504")


def test_the_engine_is_asked_whether_it_computes_in_16_bits() -> None:
    folded = Folded.of(zoo.network("Chain", dtype=torch.float32), zoo.IN_SHAPE)
    why = finished(half.quantiser(noise(zoo.IN_SHAPE))(folded)).why_slower
    assert bool(why) is not half.computes_in_half()
