"""How channels move when a sample's axes are flattened, reshaped, permuted, cut, padded, summed up or dealt anew."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import fx, nn

from worker.dnn import layers
from worker.dnn.surgery.streams import NONE, Ids, Sides, Stream, product
from worker.dnn.surgery.walk import Walk


def flattened(walk: Walk, node: fx.Node, layer: nn.Flatten, given: Stream) -> Stream:
    if given.sides is None:
        everything = layer.start_dim == 1 and layer.end_dim == -1
        return walk.lost(node, walk.sides(1) if everything else None, given)
    count = len(given.sides)
    first, last = (axis - 1 if axis >= 0 else count + axis for axis in (layer.start_dim, layer.end_dim))
    return _merged(walk, node, given, first, last)


def _merged(walk: Walk, node: fx.Node, given: Stream, first: int, last: int) -> Stream:
    assert given.sides is not None
    whole = product(given.sides[first : last + 1])
    sides = (*given.sides[:first], walk.side() if whole is None else whole, *given.sides[last + 1 :])
    if not given.known or given.axis < first or first == last:
        return Stream(given.ids, given.axis, sides, given.spread, given.order)
    if given.axis > last:
        return Stream(given.ids, given.axis - (last - first), sides, given.spread, given.order)
    outer, inner = product(given.sides[first : given.axis]), product(given.sides[given.axis + 1 : last + 1])
    return _flat(walk, node, Stream(given.ids, first, sides, given.spread, given.order), outer, inner)


def _flat(walk: Walk, node: fx.Node, flat: Stream, outer: int | None, inner: int | None) -> Stream:
    """`outer` rounds of all channels, each taking `inner` places in a row; spelled out where both are known."""
    if outer == inner == 1:
        return flat
    if outer is not None and inner is not None and not flat.order and not flat.spread:
        return _moved(walk, node, flat, np.tile(np.repeat(np.arange(len(flat.ids)), inner), outer), flat.axis, flat.sides)
    if flat.spread or 1 not in (outer, inner):
        return walk.lost(node, flat.sides, flat)
    return Stream(flat.ids, flat.axis, flat.sides, "inner" if outer == 1 else "outer", flat.order)


def _moved(walk: Walk, node: fx.Node, given: Stream, places: Ids, axis: int, sides: Sides | None, order: int = 0) -> Stream:
    walk.moves[node.name] = places
    return Stream(given.ids[places], axis, sides, "", order)


def reshaped(walk: Walk, node: fx.Node, layer: layers.Reshape, given: Stream) -> Stream:
    wished = layer.shape
    sides = tuple(walk.side() if side == -1 else side for side in wished)
    if not given.known:
        return Stream(NONE, 0, sides)
    if len(wished) == 1 and given.sides is not None:
        return _merged(walk, node, given, 0, len(given.sides) - 1)
    if given.vector and sum(side != 1 for side in wished) == 1:
        axis = next(axis for axis, side in enumerate(wished) if side != 1)
        return Stream(given.ids, axis, sides, given.spread, given.order)
    if wished[0] == len(given.ids) and given.axis == 0 and given.spread != "outer":
        return Stream(given.ids, 0, sides, "", given.order)
    if wished[-1] == len(given.ids) and given.last and given.spread != "inner":
        return Stream(given.ids, len(wished) - 1, sides, "", given.order)
    return _in_blocks(walk, node, given, sides)


def _in_blocks(walk: Walk, node: fx.Node, given: Stream, sides: Sides) -> Stream:
    """A row that becomes an image: each channel of it is a block of the row, which stands or falls as one."""
    block = product(sides[1:])
    if not given.vector or given.spread or given.order or not block or len(given.ids) % block:
        return walk.lost(node, sides, given)
    return _blocks(walk, node, given, block, sides)


def _blocks(walk: Walk, node: fx.Node, given: Stream, size: int, sides: Sides | None) -> Stream:
    places = np.arange(len(given.ids)).reshape(-1, size)
    walk.moves[node.name] = places
    blocks = given.ids[places]
    if size > 1:
        walk.pairs.append((np.repeat(blocks[:, 0], size - 1), blocks[:, 1:].ravel()))
    return Stream(blocks[:, 0], 0, sides)


def permuted(walk: Walk, node: fx.Node, layer: layers.Permute, given: Stream) -> Stream:
    count = len(layer.dims) - 1
    sides = walk.sides(count) if given.sides is None else given.sides
    axis = count - 1 if given.sides is None else given.axis
    moved = tuple(sides[dim - 1] for dim in layer.dims[1:])
    return Stream(given.ids, layer.dims.index(axis + 1) - 1, moved, given.spread, given.order)


def sliced(walk: Walk, node: fx.Node, layer: layers.Slice, given: Stream) -> Stream:
    if given.sides is None:
        return walk.lost(node, None, given)
    axis, sides = layer.dim - 1, list(given.sides)
    if axis != given.axis or not given.known:
        sides[axis] = walk.side(("slice", sides[axis], layer.start, layer.stop, layer.step))
        return Stream(given.ids, given.axis, tuple(sides), given.spread, given.order)
    if given.spread:
        return walk.lost(node, (*sides[:axis], walk.side(), *sides[axis + 1 :]), given)
    if layer.step != 1:
        walk.pin(node, given)
    places = np.arange(len(given.ids))[layer.start : layer.stop : layer.step]
    walk.cuts[node.name] = given.ids[places]
    return _moved(walk, node, given, places, axis, given.sides, walk.order() if given.order else 0)


def padded(walk: Walk, node: fx.Node, layer: layers.Pad, given: Stream) -> Stream:
    count = len(layer.before)
    old = walk.sides(count) if given.sides is None else given.sides
    axis = count - 1 if given.sides is None else given.axis
    pads = list(zip(layer.before, layer.after, strict=True))
    sides = tuple(_longer(walk, side, sum(pair)) for side, pair in zip(old, pads, strict=True))
    if not given.known or pads[axis] == (0, 0):
        return Stream(given.ids, axis, sides, given.spread, given.order)
    if given.spread:
        return walk.lost(node, sides, given)
    before, after = (walk.number(places) for places in pads[axis])
    walk.writes[node.name] = np.concatenate([before, after])
    return Stream(np.concatenate([before, given.ids, after]), axis, sides)


def _longer(walk: Walk, side: int, places: int) -> int:
    if not places:
        return side
    return side + places if side > 0 else walk.side(("pad", side, places))


def reduced(walk: Walk, node: fx.Node, layer: Any, given: Stream) -> Stream:
    if given.sides is None:
        return walk.lost(node, None, given)
    count = len(given.sides)
    axes = {dim - 1 if dim > 0 else count + dim for dim in layer.dims}
    kept = [axis for axis in range(count) if layer.keepdim or axis not in axes]
    sides = tuple(1 if axis in axes else given.sides[axis] for axis in kept)
    if not given.known:
        return Stream(NONE, 0, sides)
    if given.axis not in axes:
        return Stream(given.ids, kept.index(given.axis), sides, given.spread, given.order)
    walk.pin(node, given)
    if not layer.keepdim:
        return Stream(NONE, 0, sides)
    fresh = Stream(walk.number(1), given.axis, sides)
    walk.pin(node, fresh)
    return fresh


def pixels_shuffled(walk: Walk, node: fx.Node, layer: nn.PixelShuffle, given: Stream) -> Stream:
    """Each channel of the result is made of a block of channels, which stand or fall as one."""
    times = layer.upscale_factor
    given = leading(walk, node, given, 3)
    sides = (*walk.sides(1), *(walk.side(("shuffle", side, times)) for side in given.sides[1:]))  # type: ignore[index]
    if not given.known or len(given.ids) % times**2:
        return walk.lost(node, sides, given)
    return _blocks(walk, node, given, times**2, sides)


def pixels_unshuffled(walk: Walk, node: fx.Node, layer: nn.PixelUnshuffle, given: Stream) -> Stream:
    times = layer.downscale_factor
    given = leading(walk, node, given, 3)
    sides = (*walk.sides(1), *(walk.side(("unshuffle", side, times)) for side in given.sides[1:]))  # type: ignore[index]
    return _moved(walk, node, given, np.repeat(np.arange(len(given.ids)), times**2), 0, sides)


def channels_shuffled(walk: Walk, node: fx.Node, layer: nn.ChannelShuffle, given: Stream) -> Stream:
    if given.known and (given.sides is None or given.axis or given.spread or len(given.ids) % layer.groups):
        return walk.lost(node, given.sides, given)
    if not given.known:
        return given
    walk.shuffles.append(node)
    places = np.arange(len(given.ids)).reshape(layer.groups, -1).T.ravel()
    return _moved(walk, node, given, places, 0, given.sides, walk.order())


def leading(walk: Walk, node: fx.Node, given: Stream, rank: int) -> Stream:
    """The stream as an image (or a signal) with its channels first, else it is not followed."""
    if given.sides is not None and len(given.sides) == rank and ((given.axis == 0 and not given.spread) or not given.known):
        return given
    return walk.lost(node, walk.sides(rank), given)
