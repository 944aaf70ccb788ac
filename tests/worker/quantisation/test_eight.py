"""Eight bits: ranges from training images, weights by channel, the same file for the same seed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto

from tests.worker.dnn import zoo
from tests.worker.quantisation.conftest import finished
from tests.worker.quantisation.test_half import noise, run
from worker.context import Context
from worker.datasets import Data, normalise
from worker.events import Progress
from worker.quantisation import calibration
from worker.quantisation.calibration import MOST_A_STEP, Calibration, Method, drawn
from worker.quantisation.eight import Rules, quantiser
from worker.quantisation.graph import Folded, rounding_errors
from worker.quantisation.reduced import Reduced

FEW = Calibration(images=24)


def reduced(folded: Folded, data: Data, context: Context, rules: Rules | None = None) -> Reduced:
    found: Reduced = finished(quantiser(data, rules or Rules(calibration=FEW), context)(folded))
    return found


def initialisers(model: onnx.ModelProto, suffix: str) -> Iterator[onnx.TensorProto]:
    return (tensor for tensor in model.graph.initializer if tensor.name.endswith(suffix))


@pytest.mark.parametrize("name", zoo.ALL)
def test_every_coupling_answers_roughly_alike(name: str, context: Context) -> None:
    network, data = zoo.network(name, dtype=torch.float32), noise(zoo.IN_SHAPE)
    folded = Folded.of(network, zoo.IN_SHAPE)
    images = normalise(data.parts["train"].images, data)
    expected = network(images).detach().numpy()
    found = reduced(folded, data, context)
    error = run(found.model, images.numpy()) - expected
    assert 0 < np.linalg.norm(error) < 0.02 * np.linalg.norm(expected)
    assert max(rounding_errors(folded.weights, found.weights).values()) < 0.02


@pytest.mark.parametrize("method", ["minmax", "entropy", "percentile"])
def test_every_method_finds_ranges(method: Method, context: Context) -> None:
    network, data = zoo.network("Residual", dtype=torch.float32), noise(zoo.IN_SHAPE)
    images = normalise(data.parts["train"].images, data)
    found = reduced(Folded.of(network, zoo.IN_SHAPE), data, context, Rules(calibration=replace(FEW, method=method)))
    expected = network(images).detach().numpy()
    assert np.linalg.norm(run(found.model, images.numpy()) - expected) < 0.05 * np.linalg.norm(expected)


def test_weights_are_bytes_with_a_scale_by_channel_or_one_for_all(context: Context) -> None:
    folded, data = Folded.of(zoo.network("Chain", dtype=torch.float32), zoo.IN_SHAPE), noise(zoo.IN_SHAPE)
    by_channel = reduced(folded, data, context).model
    for_all = reduced(folded, data, context, Rules(per_channel=False, calibration=FEW)).model
    assert {tensor.data_type for tensor in initialisers(by_channel, ".weight_quantized")} == {TensorProto.INT8}
    assert [list(tensor.dims) for tensor in initialisers(by_channel, "0.0.weight_scale")] == [[8]]
    assert [list(tensor.dims) for tensor in initialisers(for_all, "0.0.weight_scale")] == [[]]


def test_narrow_weights_stay_within_seven_bits(context: Context) -> None:
    folded = Folded.of(zoo.network("Chain", dtype=torch.float32), zoo.IN_SHAPE)
    model = reduced(folded, noise(zoo.IN_SHAPE), context, Rules(narrow=True, calibration=FEW)).model
    most = max(int(np.abs(onnx.numpy_helper.to_array(tensor).astype(int)).max())
               for tensor in initialisers(model, ".weight_quantized"))
    assert most <= 64


def test_the_same_seed_gives_the_same_file_and_another_draws_other_images(tmp_path_factory: pytest.TempPathFactory) -> None:
    folded, data = Folded.of(zoo.network("Separable", dtype=torch.float32), zoo.IN_SHAPE), noise(zoo.IN_SHAPE)
    one, two = (reduced(folded, data, Context(tmp_path_factory.mktemp("run"))).model for _ in "ab")
    assert one.SerializeToString(deterministic=True) == two.SerializeToString(deterministic=True)
    few = Calibration(images=4, seed=1)
    assert not torch.equal(drawn(data, few), drawn(data, replace(few, seed=2)))


def test_only_training_images_are_looked_at_and_few_at_a_time(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[calibration.Images] = []

    class Watched(calibration._One):
        def __init__(self, images: calibration.Images) -> None:
            seen.append(images)
            super().__init__(images)

    monkeypatch.setattr(calibration, "_One", Watched)
    folded, data = Folded.of(zoo.network("Chain", dtype=torch.float32), zoo.IN_SHAPE), noise(zoo.IN_SHAPE)
    reduced(folded, data, context, Rules(calibration=Calibration(images=10_000)))
    train = [image.tobytes() for image in normalise(data.parts["train"].images, data).numpy()]
    assert sorted(image.tobytes() for step in seen for image in step) == sorted(train)
    assert max(map(len, seen)) <= MOST_A_STEP < len(train)


def test_ranges_are_seen_once_and_leave_no_file_behind(context: Context) -> None:
    folded, data = Folded.of(zoo.network("Chain", dtype=torch.float32), zoo.IN_SHAPE), noise(zoo.IN_SHAPE)
    counts = []
    for _ in range(2):
        said: list[object] = []
        finished(quantiser(data, Rules(calibration=FEW), context)(folded), said.append)
        counts.append(sum(isinstance(event, Progress) for event in said))
    assert counts == [2, 0]
    assert not list(context.workdir.glob("*.onnx"))


def test_results_inside_take_a_quarter_of_the_bytes(context: Context) -> None:
    network = zoo.network("Residual", dtype=torch.float32)
    folded = Folded.of(network, zoo.IN_SHAPE)
    full = folded.activation_bytes(set(), 1)
    assert reduced(folded, noise(zoo.IN_SHAPE), context).activation_bytes * 4 == full
