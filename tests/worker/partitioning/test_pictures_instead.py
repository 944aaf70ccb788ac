"""A picture sent instead of a feature map: its bytes are real, what comes out is what the network sees, the smallest fit wins."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import fx

from worker import datasets
from worker.context import DatasetInput
from worker.datasets import Data, Part
from worker.dnn import architectures
from worker.partitioning.transfer.pictures import Picture, cheapest, decoded, encoded, pictures


def ended(running: Generator[Any, None, Any]) -> Any:
    while True:
        try:
            next(running)
        except StopIteration as end:
            return end.value


def few(name: str, count: int = 40) -> Data:
    found = datasets.load(DatasetInput(name))
    test = found.parts["test"]
    return replace(found, parts=found.parts | {"test": Part(test.images[:count], test.labels[:count])})


def network(data: Data) -> fx.GraphModule:
    return architectures.build("lenet5", 10, data.in_shape, seed=1)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_png_loses_nothing_and_a_jpeg_a_little(channels: int) -> None:
    image = torch.randint(0, 256, (channels, 17, 9), generator=torch.Generator().manual_seed(1), dtype=torch.uint8).numpy()
    assert np.array_equal(decoded(encoded(image, "PNG", {})), image)
    smooth = np.broadcast_to(np.arange(9, dtype=np.uint8) * 20, (channels, 17, 9))
    back = decoded(encoded(smooth, "JPEG", {"quality": 95})).astype(int)
    assert back.shape == smooth.shape and 0 < np.abs(back - smooth).max() <= 12


@pytest.mark.parametrize("name", ["digits", "digits32"])
def test_each_quality_is_measured_on_the_test_images(name: str) -> None:
    data = few(name)
    found: list[Picture] = ended(pictures(network(data), data))
    assert [each.name for each in found] == ["JPEG 50", "JPEG 75", "JPEG 90", "JPEG 95", "PNG"]
    assert found[0].bytes < found[3].bytes and all(each.n == 40 and each.encode_s > 0 < each.decode_s for each in found)
    exact = np.mean([len(encoded(image, "PNG", {})) for image in data.parts["test"].images.numpy()])
    assert found[-1].bytes == round(float(exact))


def test_the_accuracy_is_that_of_what_comes_out_of_the_picture() -> None:
    data = few("digits")
    part, asked = data.parts["test"], network(data)
    with torch.no_grad():
        plain = asked(datasets.normalise(part.images, data)).argmax(1)
    found: list[Picture] = ended(pictures(asked, data))
    assert found[-1].accuracy == float((plain == part.labels).float().mean())


def test_what_is_no_picture_is_sent_as_none() -> None:
    data = replace(few("digits32"), channel_order="depth")
    assert ended(pictures(network(data), data)) == []


def test_the_smallest_that_is_right_often_enough_is_the_rival() -> None:
    rough, fine, exact = (Picture(name, size, 0, 0, right, 100) for name, size, right in (
        ("JPEG 50", 500, 0.80), ("JPEG 90", 900, 0.95), ("PNG", 1500, 0.96)))
    assert cheapest([rough, fine, exact], 0.95) is fine
    assert cheapest([rough, fine, exact], 0.955) is exact
    assert cheapest([rough, fine, exact], 0.5) is rough
    assert cheapest([rough], 0.9) is None
