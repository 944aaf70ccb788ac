"""What a feature map holds, seen over training images: its range for int8, its strongest directions for a bottleneck."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import torch
from torch import Tensor, fx, nn

from worker.datasets import Data, Part
from worker.dnn import slices
from worker.dnn.shapes import Shape
from worker.events import Event, Progress
from worker.partitioning.transfer.layers import Components, Halves, halves, with_int8
from worker.partitioning.transfer.options import Option
from worker.partitioning.transfer.rounding import Range
from worker.profiling.pulse import Pulse
from worker.training.batches import in_order

IMAGES = 256


def calibrated(
    network: fx.GraphModule, in_shape: Shape, after: str, option: Option, data: Data,
) -> Generator[Event, None, Halves]:
    """A transfer layer for the cut behind `after`, fitted to what goes across it."""
    cut = slices.split(network, in_shape, after)
    head, shape = cut.head.network.eval(), cut.tail.in_shape
    components = None
    if option.kind == "bottleneck":
        components = yield from _components(head, shape, data)
    made = halves(option, shape, components)
    if option.numbers == "float32":
        return made
    found = yield from _range(nn.Sequential(head, *made.down), data, per_channel=option.numbers == "int8 per channel")
    return with_int8(made, found, len(shape))


def some(data: Data) -> Part:
    """Training images spread over the whole part, the same ones every time."""
    part = data.parts["train"]
    places = torch.linspace(0, len(part) - 1, min(IMAGES, len(part))).round().long()
    return Part(torch.as_tensor(part.images)[places], torch.as_tensor(part.labels)[places])


def _answers(network: nn.Module, data: Data) -> Iterator[Tensor]:
    with torch.no_grad():
        for images, _ in in_order(data, some(data), torch.device("cpu")):
            yield network(images)


def _range(network: nn.Module, data: Data, *, per_channel: bool) -> Generator[Event, None, Range]:
    lows, highs, pulse = list[Tensor](), list[Tensor](), Pulse()
    for answer in _answers(network, data):
        rows = answer.movedim(1, 0).flatten(1) if per_channel else answer.flatten()[None]
        lows.append(rows.amin(1))
        highs.append(rows.amax(1))
        if pulse.due():
            yield Progress(done=len(lows), total=IMAGES, stage="looking at what crosses the cut")
    low, high = torch.stack(lows).amin(0), torch.stack(highs).amax(0)
    return Range(low, high) if per_channel else Range(low[0], high[0])


def _components(network: nn.Module, shape: Shape, data: Data) -> Generator[Event, None, Components]:
    """By the covariance of channels over all places: no other linear bottleneck is nearer in the mean square."""
    channels = shape[0]
    total, outer, count = torch.zeros(channels).double(), torch.zeros(channels, channels).double(), 0
    pulse = Pulse()
    for answer in _answers(network, data):
        rows = answer.movedim(1, 0).flatten(1).double()
        total += rows.sum(1)
        outer += rows @ rows.T
        count += rows.shape[1]
        if pulse.due():
            yield Progress(done=count, total=max(count, IMAGES), stage="looking at what crosses the cut")
    mean = total / count
    _, axes = torch.linalg.eigh(outer / count - torch.outer(mean, mean))
    return Components(mean.float(), _pointing(axes.flip(1)).float())


def _pointing(axes: Tensor) -> Tensor:
    """A direction and its opposite are one: the largest part of each is positive, whatever the library found."""
    largest = axes.abs().argmax(0)
    return axes * axes[largest, torch.arange(axes.shape[1])].sign()
