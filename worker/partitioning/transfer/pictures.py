"""The true rival of a cut: the picture itself, sent as a JPEG or PNG, and how right the uncut network is on what comes out."""

from __future__ import annotations

import io
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import fx

from worker.datasets import Data, normalise
from worker.events import Event, Progress
from worker.profiling.pulse import Pulse

QUALITIES = (50, 75, 90, 95)
MOST_IMAGES = 500
MODES = {"grey": "L", "RGB": "RGB", "BGR": "RGB"}
Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """`name`: JPEG 75, PNG. Mean bytes and mean seconds over `n` test images, of which `accuracy` were recognised after it."""

    name: str
    bytes: int
    encode_s: float
    decode_s: float
    accuracy: float
    n: int


def pictures(network: fx.GraphModule, data: Data) -> Generator[Event, None, list[Picture]]:
    """Each quality in turn over the first test images; none of data that is no picture."""
    mode = MODES.get(data.channel_order)
    if mode is None or data.in_shape[0] != len(mode):
        return []
    part = data.parts["test"]
    images = torch.as_tensor(part.images)[:MOST_IMAGES].numpy()
    labels = torch.as_tensor(part.labels)[:MOST_IMAGES]
    found, pulse = list[Picture](), Pulse()
    forms = [*((f"JPEG {quality}", "JPEG", {"quality": quality}) for quality in QUALITIES), ("PNG", "PNG", {})]
    for number, (name, kind, options) in enumerate(forms):
        found.append((yield from _tried(name, kind, options, images, labels, network, data, pulse, number / len(forms))))
    return found


def _tried(
    name: str, kind: str, options: dict[str, int], images: Pixels, labels: torch.Tensor, network: fx.GraphModule, data: Data,
    pulse: Pulse, done: float,
) -> Generator[Event, None, Picture]:
    sizes, spent, back = 0, [0.0, 0.0], np.empty_like(images)
    for place, image in enumerate(images):
        begun = time.perf_counter()
        content = encoded(image, kind, options)
        middle = time.perf_counter()
        back[place] = decoded(content)
        spent = [spent[0] + middle - begun, spent[1] + time.perf_counter() - middle]
        sizes += len(content)
        if pulse.due():
            yield Progress(done=done, total=1, stage="pictures instead of feature maps")
    count = max(1, len(images))
    right = yield from _right(network, back, labels, data, pulse, done)
    return Picture(name, round(sizes / count), spent[0] / count, spent[1] / count, right / count, len(images))


def encoded(image: Pixels, kind: str, options: dict[str, int]) -> bytes:
    """BGR is stored as if it were RGB and comes back the same way: only the colours of what is lost differ."""
    pixels = np.ascontiguousarray(image.transpose(1, 2, 0))
    held = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(held, kind, **options)
    return held.getvalue()


def decoded(content: bytes) -> Pixels:
    pixels = np.asarray(Image.open(io.BytesIO(content)), dtype=np.uint8)
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)


def _right(
    network: fx.GraphModule, images: Pixels, labels: torch.Tensor, data: Data, pulse: Pulse, done: float,
) -> Generator[Event, None, int]:
    network.cpu().eval()
    right = 0
    for begin in range(0, len(labels), 64):
        with torch.inference_mode():
            answers = network(normalise(torch.from_numpy(images[begin:begin + 64]), data))
        right += int((answers.argmax(1) == labels[begin:begin + 64]).sum())
        if pulse.due():
            yield Progress(done=done, total=1, stage="pictures instead of feature maps")
    return right


def cheapest(found: Sequence[Picture], least_accuracy: float) -> Picture | None:
    """The smallest that is accurate enough; of none the PNG, which loses nothing, where it is there."""
    return min((each for each in found if each.accuracy >= least_accuracy), key=lambda each: each.bytes, default=None)
