"""Layers that files spell as several nodes: normalisations, channel shuffles, biases, paddings, axes turned there and back."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import fx, nn

from worker.dnn import layers
from worker.dnn.ingest.onnx.sheet import Sheet, bare

_CONV = (nn.Conv1d, nn.Conv2d, nn.ConvTranspose1d, nn.ConvTranspose2d)
_RESHAPING = (layers.Reshape, nn.Flatten)


def recognise(sheet: Sheet) -> None:
    """Each rule once over all nodes, from the input to the output."""
    for rule in (_turned_twice, _shuffled, _grouped, _layered, _biased, _padded):
        for node in list(sheet.graph.nodes):
            if node.users:
                rule(sheet, node)
    sheet.sweep()


def _layer(sheet: Sheet, node: fx.Node | None) -> Any:
    return None if node is None else sheet.layers.get(node.name)


def _source(node: fx.Node) -> fx.Node:
    return node.all_input_nodes[0]


def _before(sheet: Sheet, node: fx.Node, *kinds: type[nn.Module]) -> fx.Node | None:
    """The one that a layer reads, when it is of these kinds and nobody else reads it."""
    if not node.all_input_nodes:
        return None
    source = _source(node)
    return source if isinstance(_layer(sheet, source), kinds) and len(source.users) == 1 else None


def _behind(sheet: Sheet, node: fx.Node, kind: type[nn.Module], shape: tuple[int, ...]) -> fx.Node | None:
    """The only reader, when it is a Scale or Shift of this shape."""
    reader = next(iter(node.users)) if len(node.users) == 1 else None
    layer = _layer(sheet, reader)
    return reader if isinstance(layer, kind) and layer.shape == shape else None


def _turned_twice(sheet: Sheet, node: fx.Node) -> None:
    """Axes turned and turned again are turned once, or not at all."""
    second = _layer(sheet, node)
    if not isinstance(second, layers.Permute) or not isinstance(first := _layer(sheet, _source(node)), layers.Permute):
        return
    dims, root = tuple(first.dims[dim] for dim in second.dims), _source(_source(node))
    if dims == tuple(sorted(dims)):
        sheet.skip(node, root)
    else:
        sheet.become(node, root, layers.Permute(dims), sheet.wishes[node.name])


def _shuffled(sheet: Sheet, node: fx.Node) -> None:
    """Channels dealt out to groups, the two axes swapped, and put together again."""
    turn = _before(sheet, node, layers.Permute) if isinstance(_layer(sheet, node), _RESHAPING) else None
    dealt = _before(sheet, turn, layers.Reshape) if turn is not None else None
    if turn is None or dealt is None:
        return
    shape, split = sheet.sizes[_source(dealt).name], sheet.sizes[dealt.name]
    swapped = (0, 2, 1, *range(3, len(split) + 1))
    if sheet.sizes[node.name] == shape and len(shape) > 1 and split[2:] == shape[1:] and _layer(sheet, turn).dims == swapped:
        sheet.become(node, _source(dealt), nn.ChannelShuffle(split[0]), sheet.wishes[node.name])


def _grouped(sheet: Sheet, node: fx.Node) -> None:
    """Groups of channels normalised as if they were channels: a GroupNorm."""
    norm = _before(sheet, node, nn.InstanceNorm1d) if isinstance(_layer(sheet, node), _RESHAPING) else None
    dealt = _before(sheet, norm, *_RESHAPING) if norm is not None else None
    if norm is None or dealt is None or not _is_plain(sheet, norm):
        return
    root, groups = _source(dealt), sheet.sizes[norm.name][0]
    shape = sheet.sizes[root.name]
    if sheet.sizes[node.name] != shape or shape[0] % groups:
        return
    end, weight, bias = _factors(sheet, node, (shape[0], *[1] * (len(shape) - 1)))
    layer = bare(nn.GroupNorm, groups, shape[0], _layer(sheet, norm).eps)
    sheet.become(end, root, layer, _wish(sheet, node, end), weight=weight, bias=bias)


def _is_plain(sheet: Sheet, norm: fx.Node) -> bool:
    arrays = sheet.arrays[norm.name]
    return bool((arrays["weight"] == 1).all() and (arrays["bias"] == 0).all())


def _factors(sheet: Sheet, node: fx.Node, shape: tuple[int, ...]) -> tuple[fx.Node, Any, Any]:
    """The last of the node, the Scale and the Shift behind it, and their numbers."""
    weight, bias, end = np.ones(shape, np.float32), np.zeros(shape, np.float32), node
    if (scaled := _behind(sheet, end, layers.Scale, shape)) is not None:
        end, weight = scaled, sheet.arrays[scaled.name]["weight"]
    if (shifted := _behind(sheet, end, layers.Shift, shape)) is not None:
        end, bias = shifted, sheet.arrays[shifted.name]["bias"]
    return end, weight, bias


def _wish(sheet: Sheet, node: fx.Node, end: fx.Node) -> str:
    """The name that came with weights, when one did."""
    return sheet.wishes[end.name] if end is not node else sheet.wishes[node.name]


def _layered(sheet: Sheet, node: fx.Node) -> None:
    """(x - mean) / sqrt(mean of squares + eps) over the last axes: a LayerNorm."""
    if node.target is not torch.div or len(node.all_input_nodes) != 2:
        return
    centred, spread = node.args
    assert isinstance(centred, fx.Node) and isinstance(spread, fx.Node)
    found = _centred(sheet, centred)
    eps = _eps(sheet, spread, centred, found[1]) if found is not None else None
    if found is None or eps is None:
        return
    root, dims = found
    shape = sheet.sizes[root.name]
    if dims != tuple(range(len(shape) + 1 - len(dims), len(shape) + 1)):
        return
    normalised = shape[len(shape) - len(dims) :]
    end, weight, bias = _factors(sheet, node, normalised)
    sheet.become(end, root, bare(nn.LayerNorm, normalised, eps), _wish(sheet, node, end), weight=weight, bias=bias)


def _centred(sheet: Sheet, node: fx.Node) -> tuple[fx.Node, tuple[int, ...]] | None:
    """x - mean(x): the x, and over which axes."""
    if node.target is not torch.sub or len(node.all_input_nodes) != 2:
        return None
    root, mean = node.all_input_nodes
    layer = _layer(sheet, mean)
    fits = isinstance(layer, layers.Mean) and layer.keepdim and _source(mean) is root
    return (root, tuple(sorted(layer.dims))) if fits else None


def _eps(sheet: Sheet, spread: fx.Node, centred: fx.Node, dims: tuple[int, ...]) -> float | None:
    """The eps of sqrt(mean(centred squared) + eps)."""
    root = _layer(sheet, spread)
    if not (isinstance(root, layers.Pointwise) and root.function == "sqrt"):
        return None
    added = _layer(sheet, _source(spread))
    if not (isinstance(added, layers.Affine) and added.scale == 1.0 and added.shift > 0):
        return None
    mean_node = _source(_source(spread))
    mean = _layer(sheet, mean_node)
    if not (isinstance(mean, layers.Mean) and mean.keepdim and tuple(sorted(mean.dims)) == dims):
        return None
    return added.shift if _is_square(sheet, _source(mean_node), centred) else None


def _is_square(sheet: Sheet, node: fx.Node, centred: fx.Node) -> bool:
    layer = _layer(sheet, node)
    if isinstance(layer, layers.Power) and layer.exponent == 2.0:
        return _same(sheet, _source(node), centred)
    return node.target is torch.mul and all(isinstance(source, fx.Node) and _same(sheet, source, centred) for source in node.args)


def _same(sheet: Sheet, node: fx.Node, centred: fx.Node) -> bool:
    """The same node, or x - mean(x) computed once more."""
    return node is centred or (_centred(sheet, node) is not None and _centred(sheet, node) == _centred(sheet, centred))


def _biased(sheet: Sheet, node: fx.Node) -> None:
    """Numbers added to each channel by a node of their own are the bias of the layer before."""
    shift = _layer(sheet, node)
    owner = _before(sheet, node, *_CONV, nn.Linear) if isinstance(shift, layers.Shift) else None
    if owner is None:
        return
    layer = _layer(sheet, owner)
    shape = (layer.out_features,) if isinstance(layer, nn.Linear) else (layer.out_channels, *[1] * len(layer.kernel_size))
    if layer.bias is None and shift.shape == shape:
        layer.bias = nn.Parameter(torch.empty(shape[0], device="meta"))
        sheet.arrays[owner.name]["bias"] = sheet.arrays[node.name]["bias"].reshape(-1)
        # Of two names the one that has a path is torch's own: exporters turn weights round and forget theirs.
        sheet.wishes[owner.name] = max(sheet.wishes[owner.name], sheet.wishes[node.name], key=lambda wish: "." in wish)
        sheet.skip(node, owner)


def _padded(sheet: Sheet, node: fx.Node) -> None:
    """Zeros put evenly around an image are the padding of the convolution behind."""
    layer = _layer(sheet, node)
    pad = _before(sheet, node, layers.Pad) if isinstance(layer, nn.Conv1d | nn.Conv2d) else None
    if pad is None:
        return
    given = _layer(sheet, pad)
    if given.mode == "constant" and given.value == 0.0 and given.before == given.after and not given.before[0]:
        more = tuple(one + other for one, other in zip(layer.padding, given.before[1:], strict=True))
        parts = (layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride, more, layer.dilation, layer.groups)
        twin = bare(type(layer), *parts, layer.bias is not None)
        sheet.become(node, _source(pad), twin, sheet.wishes[node.name], **sheet.arrays[node.name])


