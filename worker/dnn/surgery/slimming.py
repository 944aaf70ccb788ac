"""Cutting one layer down to some of its input and output channels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, fx, nn

from worker.dnn import layers
from worker.dnn.spec import sources
from worker.dnn.surgery.channels import Channels
from worker.dnn.surgery.draft import Draft
from worker.dnn.surgery.mixing import CONVOLUTIONS, MIXING, TRANSPOSED, is_depthwise
from worker.dnn.surgery.orders import Orders
from worker.dnn.surgery.streams import Flags, Ids, Stream

CPU = torch.device("cpu")
# Below so many weights looking for blocks takes longer than it saves.
MANY = 1_000_000
_ALONG = ("weight", "bias", "running_mean", "running_var")


@torch.no_grad()
def slim(draft: Draft, channels: Channels, alive: Flags) -> None:
    """Cut every layer of the draft down to the channels alive; afterwards no tensor is shared with the original."""
    orders, places = Orders(draft, channels, alive), _Places(alive)
    for node in draft.graph.nodes:
        layer = draft.layer(node)
        if layer is None:
            continue
        if isinstance(layer, layers.Slice | layers.Pad | layers.Reshape | nn.ChannelShuffle):
            _rewrite(node, layer, channels, alive, orders)
        elif layer._parameters or layer._buffers or node.name in channels.reads:
            _slim(layer, *_stay(node, layer, channels, places, orders), channels.axes.get(node.name, 0))
            own(layer)


def own(layer: nn.Module) -> None:
    """Give the layer copies of the tensors that it still shares."""
    cut: set[str] = layer.__dict__.pop("_cut", set())
    for name, parameter in layer._parameters.items():
        if parameter is not None and name not in cut:
            layer._parameters[name] = nn.Parameter(parameter.detach().clone(), requires_grad=parameter.requires_grad)
    for name, buffer in layer._buffers.items():
        if buffer is not None and name not in cut:
            layer._buffers[name] = buffer.detach().clone()


def kept_outputs(channels: Channels, alive: Flags, name: str) -> Ids:
    """Which of a layer's output channels are alive, in order."""
    return np.flatnonzero(alive[channels.writes[name]])


class _Places:
    """Which places of a layer's axis are alive, found once for all the layers that share an array of channels."""

    def __init__(self, alive: Flags) -> None:
        self._alive, self._found = alive, dict[tuple[int, torch.device], Tensor | None]()

    def of(self, ids: Ids | None, device: torch.device) -> Tensor | None:
        """In order; none for all of them as they are."""
        if ids is None:
            return None
        key = id(ids), device
        if key not in self._found:
            stays = self._alive[ids]
            self._found[key] = None if stays.all() else torch.from_numpy(np.flatnonzero(stays)).to(device)
        return self._found[key]


def _stay(
    node: fx.Node, layer: nn.Module, channels: Channels, places: _Places, orders: Orders
) -> tuple[Tensor | None, Tensor | None]:
    """The places of the input and of the output axis that stay, in order; None for all of them as they are."""
    device = next((tensor.device for tensor in layer._parameters.values() if tensor is not None), CPU)
    reads, writes = channels.reads.get(node.name) if isinstance(layer, MIXING) else None, channels.writes.get(node.name)
    source = sources(node)[0].name
    if source not in orders.found:
        return places.of(reads, device), places.of(writes, device)
    read = channels.reads.get(node.name)
    if read is None:
        return None, places.of(writes, device)
    kept_in = torch.from_numpy(_expanded(channels.streams[source], orders.places(source), len(read))).to(device)
    return kept_in, kept_in if node.name in orders.found else places.of(writes, device)


def _expanded(stream: Stream, places: Ids, count: int) -> Ids:
    """Places of a flattened axis, of which each channel takes several."""
    times, rounds = count // len(stream.ids), np.arange(count // len(stream.ids))
    if stream.spread == "outer":
        return np.asarray((rounds[:, None] * len(stream.ids) + places).ravel())
    return np.asarray((places[:, None] * times + rounds).ravel())


def _rewrite(node: fx.Node, layer: Any, channels: Channels, alive: Flags, orders: Orders) -> None:
    """Layers without tensors whose arguments count channels."""
    made = channels.streams[node.name]
    if isinstance(layer, nn.ChannelShuffle) and node.name in channels.moves:
        layer.groups = orders.groups(node, layer.groups)
    elif isinstance(layer, layers.Slice) and node.name in channels.slices and layer.step == 1:
        layer.start, last = orders.cut(node)
        layer.stop = None if layer.stop is None else last
    elif isinstance(layer, layers.Pad) and node.name in channels.writes:
        before = layer.before[made.axis]
        stays = alive[channels.writes[node.name]]
        layer.before = _put_at(layer.before, made.axis, int(stays[:before].sum()))
        layer.after = _put_at(layer.after, made.axis, int(stays[before:].sum()))
    elif isinstance(layer, layers.Reshape) and made.known and layer.shape[made.axis] != -1:
        of_each = layer.shape[made.axis] // len(made.ids)
        layer.shape = _put_at(layer.shape, made.axis, of_each * int(alive[made.ids].sum()))


def _put_at(numbers: tuple[int, ...], place: int, number: int) -> tuple[int, ...]:
    return (*numbers[:place], number, *numbers[place + 1 :])


def _slim(layer: Any, keep_in: Tensor | None, keep_out: Tensor | None, axis: int) -> None:
    if keep_in is None and keep_out is None:
        return
    if is_depthwise(layer):
        _cut_depthwise(layer, keep_in, keep_out)
    elif isinstance(layer, CONVOLUTIONS):
        if layer.groups > 1:
            _cut_groups(layer, keep_in, keep_out)
        else:
            rows, columns = (keep_in, keep_out) if isinstance(layer, TRANSPOSED) else (keep_out, keep_in)
            _cut_weight(layer, rows, columns)
            _cut(layer, keep_out, "bias")
            inputs, outputs = _widths(layer)
            _tell(layer, in_channels=inputs, out_channels=outputs)
    elif isinstance(layer, nn.Linear):
        _cut_weight(layer, keep_out, keep_in)
        _cut(layer, keep_out, "bias")
        _tell(layer, out_features=layer.weight.shape[0], in_features=layer.weight.shape[1])
    elif keep_out is not None:
        _cut(layer, keep_out, *_ALONG, axis=axis)
        _recount(layer, len(keep_out))


def _tell(layer: nn.Module, **numbers: Any) -> None:
    """Set plain attributes; a layer's own way first asks whether they are tensors, which takes longer than to cut some."""
    layer.__dict__.update(numbers)


def _recount(layer: Any, width: int) -> None:
    """The size that a layer along the channels tells of itself."""
    match layer:
        case nn.PReLU():
            _tell(layer, num_parameters=width)
        case nn.GroupNorm():
            _tell(layer, num_groups=width, num_channels=width)
        case layers.Scale():
            _tell(layer, shape=tuple(layer.weight.shape))
        case layers.Shift():
            _tell(layer, shape=tuple(layer.bias.shape))
        case _:
            _tell(layer, num_features=width)


def _widths(layer: Any) -> tuple[int, int]:
    """Inputs and outputs, as the weight tells them."""
    rows, columns = layer._parameters["weight"].shape[:2]
    return (rows, columns) if isinstance(layer, TRANSPOSED) else (columns, rows)


def _cut_depthwise(layer: Any, keep_in: Tensor | None, keep_out: Tensor | None) -> None:
    _cut(layer, keep_in if isinstance(layer, TRANSPOSED) else keep_out, "weight")
    _cut(layer, keep_out, "bias")
    if keep_in is not None and keep_out is not None:
        _tell(layer, groups=len(keep_in), in_channels=len(keep_in), out_channels=len(keep_out))


def _cut_groups(layer: Any, keep_in: Tensor | None, keep_out: Tensor | None) -> None:
    """The same number from each group that stays."""
    every = (torch.arange(count, device=layer.weight.device) for count in (layer.in_channels, layer.out_channels))
    inputs, outputs = (given if keep is None else keep for keep, given in zip((keep_in, keep_out), every, strict=True))
    rows, columns = (inputs, outputs) if isinstance(layer, TRANSPOSED) else (outputs, inputs)
    weight = layer.weight.detach()
    height, width = weight.shape[0] // layer.groups, weight.shape[1]
    groups = len(torch.unique(rows // height))
    assert bool((columns.view(groups, -1) // width == (rows // height).view(groups, -1)[:, :1]).all())
    places = (columns % width).view(groups, -1).repeat_interleave(len(rows) // groups, 0)
    index = places.view(*places.shape, *[1] * (weight.ndim - 2)).expand(-1, -1, *weight.shape[2:])
    _put(layer, "weight", weight.index_select(0, rows).gather(1, index))
    _cut(layer, keep_out, "bias")
    _tell(layer, groups=groups, in_channels=len(inputs), out_channels=len(outputs))


def _cut_weight(layer: nn.Module, rows: Tensor | None, columns: Tensor | None) -> None:
    if rows is not None or columns is not None:
        weight: Any = layer._parameters["weight"]
        _put(layer, "weight", _gathered(weight, rows, columns))


def _gathered(weight: Tensor, rows: Tensor | None, columns: Tensor | None) -> Tensor:
    """weight[rows][:, columns], as two gathers: one of both at once takes up to seven times as long, but for long blocks."""
    if columns is not None and weight.ndim == 2 and weight.numel() > MANY and (block := _block(columns, weight.shape[1])) > 1:
        return _gathered_in_blocks(weight, rows, columns, block)
    found = weight if rows is None else weight.index_select(0, rows)
    return found if columns is None else found.index_select(1, columns)


def _block(columns: Tensor, width: int) -> int:
    """How many neighbouring columns always stay or go together: the places of a channel in a flattened image."""
    breaks = torch.nonzero(columns.diff() != 1).flatten() + 1
    starts = torch.cat([columns[:1], columns[breaks]])
    return int(np.gcd.reduce(torch.cat([starts, breaks]).cpu().numpy(), initial=math.gcd(len(columns), width)))


def _gathered_in_blocks(weight: Tensor, rows: Tensor | None, columns: Tensor, block: int) -> Tensor:
    """One gather of both, a block at a time: three times as fast as two for 49 places a channel."""
    height, width = weight.shape[0], weight.shape[1] // block
    rows = torch.arange(height, device=weight.device) if rows is None else rows
    places = rows[:, None] * width + columns[::block] // block
    return weight.reshape(height * width, block).index_select(0, places.flatten()).view(len(rows), -1)


def _cut(layer: nn.Module, keep: Tensor | None, *names: str, axis: int = 0) -> None:
    for name in names if keep is not None else ():
        tensor = layer._parameters.get(name) if name in layer._parameters else layer._buffers.get(name)
        if tensor is not None and keep is not None:
            _put(layer, name, tensor.index_select(axis, keep))


def _put(layer: nn.Module, name: str, tensor: Tensor) -> None:
    """Replace a parameter or buffer, and note that it is the layer's own now."""
    layer.__dict__.setdefault("_cut", set()).add(name)
    if name in layer._buffers:
        layer._buffers[name] = tensor
        return
    old = layer._parameters[name]
    layer._parameters[name] = nn.Parameter(tensor, requires_grad=old is None or old.requires_grad)
