"""Which channels of which layers stand or fall together: a union-find over all channels of a network.

Channels are numbers in NumPy arrays that are carried through the graph; shapes are never needed (DepGraph, Fang et al.
2023, arXiv 2301.12900, asks the same question of single layers).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import fx, nn

from worker.dnn.surgery.draft import Draft

Ids = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Form = Literal["image", "pooled", "spread", "row"]

CHANNELWISE = (
    nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Hardswish, nn.Hardsigmoid, nn.Sigmoid, nn.Tanh,
    nn.MaxPool2d, nn.AvgPool2d, nn.Dropout, nn.Identity,
)


@dataclass(frozen=True)
class Stream:
    """A node's result: the channel of each place on its channel axis.

    image: (n, c, h, w). pooled: an image that may be 1x1. row: (n, c). spread: a flattened image, each channel
    taking h * w places in a row; how many is known only where a layer reads it.
    """

    ids: Ids
    form: Form


@dataclass(frozen=True)
class Channels:
    """`reads` and `writes`: node name -> channels on a layer's input and output axis, where they are understood."""

    streams: dict[str, Stream | None]
    reads: dict[str, Ids]
    writes: dict[str, Ids]
    producers: tuple[str, ...]
    pinned: Flags

    @property
    def count(self) -> int:
        return len(self.pinned)


def channels(draft: Draft) -> Channels:
    """Number every channel; coupled ones get the same number, untouchable ones are `pinned`."""
    walk = _Walk()
    for node in draft.graph.nodes:
        walk.streams[node.name] = _after(walk, node, draft.layer(node))
    return walk.result()


def is_depthwise(layer: nn.Module | None) -> bool:
    return isinstance(layer, nn.Conv2d) and layer.groups > 1 and layer.groups == layer.in_channels == layer.out_channels


@dataclass
class _Walk:
    streams: dict[str, Stream | None] = field(default_factory=dict)
    reads: dict[str, Ids] = field(default_factory=dict)
    writes: dict[str, Ids] = field(default_factory=dict)
    producers: list[str] = field(default_factory=list)
    pairs: list[tuple[Ids, Ids]] = field(default_factory=list)
    pins: list[Ids] = field(default_factory=list)
    count: int = 0

    def new(self, name: str, count: int, form: Form) -> Stream:
        ids = np.arange(self.count, self.count + count)
        self.count += count
        self.writes[name] = ids
        self.producers.append(name)
        return Stream(ids, form)

    def pin(self, *streams: Stream | None) -> None:
        self.pins += [stream.ids for stream in streams if stream is not None]

    def result(self) -> Channels:
        root = _roots(self.count, self.pairs)
        pinned = np.zeros(self.count, dtype=np.bool_)
        for ids in self.pins:
            pinned[root[ids]] = True
        streams = {name: stream and Stream(root[stream.ids], stream.form) for name, stream in self.streams.items()}
        reads, writes = ({name: root[ids] for name, ids in side.items()} for side in (self.reads, self.writes))
        return Channels(streams, reads, writes, tuple(self.producers), pinned)


def _roots(count: int, pairs: list[tuple[Ids, Ids]]) -> Ids:
    """Each channel's smallest equal: larger roots are hooked to smaller ones, pointers jump until nothing moves."""
    parent = np.arange(count)
    if not pairs:
        return parent
    left, right = (np.concatenate(side) for side in zip(*pairs, strict=True))
    while True:
        one, other = parent[left], parent[right]
        if np.array_equal(one, other):
            return parent
        np.minimum.at(parent, np.maximum(one, other), np.minimum(one, other))
        while not np.array_equal(parent, parent[parent]):
            parent = parent[parent]


def _after(walk: _Walk, node: fx.Node, layer: nn.Module | None) -> Stream | None:
    given = [walk.streams[source.name] for source in node.all_input_nodes]
    if layer is not None:
        return _after_layer(walk, node.name, layer, given[0])
    if node.op == "call_function":
        return _joined(walk, given) if node.target is torch.cat else _paired(walk, node)
    walk.pin(*given)
    return given[0] if given else None


def _after_layer(walk: _Walk, name: str, layer: nn.Module, given: Stream | None) -> Stream | None:
    match layer:
        case nn.Conv2d():
            return _convolved(walk, name, layer, given)
        case nn.Linear():
            _read(walk, name, given, layer.in_features)
            return walk.new(name, layer.out_features, "row")
        case nn.BatchNorm2d() | nn.BatchNorm1d():
            return _along(walk, name, given, layer.num_features)
        case nn.PReLU() if layer.num_parameters > 1:
            return _along(walk, name, given, layer.num_parameters)
        case nn.PReLU() | nn.AdaptiveAvgPool2d() | nn.Flatten() | nn.Softmax():
            return _reshaped(walk, layer, given)
    if isinstance(layer, CHANNELWISE):
        return given
    walk.pin(given)
    return None


def _reshaped(walk: _Walk, layer: nn.Module, given: Stream | None) -> Stream | None:
    if isinstance(layer, nn.Softmax):
        walk.pin(given)
    if given is None or isinstance(layer, nn.Softmax | nn.PReLU):
        return given
    if isinstance(layer, nn.AdaptiveAvgPool2d):
        return Stream(given.ids, "pooled")
    return given if given.form in ("row", "spread") else Stream(given.ids, "spread")


def _convolved(walk: _Walk, name: str, layer: nn.Conv2d, given: Stream | None) -> Stream | None:
    form: Form = given.form if given else "image"
    if is_depthwise(layer):
        return _along(walk, name, given, layer.in_channels)
    if layer.groups > 1:
        walk.pin(given)
        fresh = walk.new(name, layer.out_channels, form)
        walk.pin(fresh)
        return fresh
    _read(walk, name, given, layer.in_channels)
    return walk.new(name, layer.out_channels, form)


def _read(walk: _Walk, name: str, given: Stream | None, places: int) -> None:
    ids = _spelled_out(given, places)
    if ids is None:
        walk.pin(given)
    else:
        walk.reads[name] = ids


def _along(walk: _Walk, name: str, given: Stream | None, places: int) -> Stream | None:
    """A layer whose output channel is its input channel: batch-norm, depthwise convolution, PReLU per channel."""
    ids = _spelled_out(given, places)
    if ids is None or given is None:
        walk.pin(given)
        return None
    walk.reads[name] = walk.writes[name] = ids
    return Stream(ids, "row" if given.form == "spread" else given.form)


def _spelled_out(given: Stream | None, places: int) -> Ids | None:
    """The channel of each of a layer's `places`; None when it cannot be told."""
    if given is None:
        return None
    if given.form == "spread" and places % len(given.ids) == 0:
        return np.repeat(given.ids, places // len(given.ids))
    return given.ids if len(given.ids) == places else None


def _paired(walk: _Walk, node: fx.Node) -> Stream | None:
    """add, sub, mul: equal axes are coupled; an axis of one place that is spread over the other is not, but stays."""
    one, other = (walk.streams[source.name] for source in node.args if isinstance(source, fx.Node))
    if one is None or other is None or not _comparable(one, other):
        walk.pin(one, other)
        return None
    if len(one.ids) == len(other.ids):
        walk.pairs.append((one.ids, other.ids))
        return one if other.form == "pooled" else other
    narrow, wide = sorted((one, other), key=lambda stream: len(stream.ids))
    if len(narrow.ids) > 1 or "spread" in (one.form, other.form):
        walk.pin(one, other)
        return None
    walk.pin(narrow)
    return Stream(wide.ids, one.form if other.form == "pooled" else other.form)


def _comparable(one: Stream, other: Stream) -> bool:
    return one.form == other.form or {one.form, other.form} == {"image", "pooled"}


def _joined(walk: _Walk, given: list[Stream | None]) -> Stream | None:
    known = [stream for stream in given if stream is not None]
    if len(known) < len(given) or any(stream.form == "spread" for stream in known):
        walk.pin(*known)
        return None
    return Stream(np.concatenate([stream.ids for stream in known]), known[0].form)
