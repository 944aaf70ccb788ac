"""Calls that rearrange or cut: view, transpose, pad, split, chunk and indexing become layers where the sizes are known."""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn

from worker.dnn import layers
from worker.dnn.axes import channels, rank
from worker.dnn.placing import become, chain

_SPLIT = (torch.split, "split", torch.chunk, "chunk")


def cut(network: fx.GraphModule, node: fx.Node) -> None:
    """Make layers of the call if it is one of these; another one stays as it is, to be refused by name."""
    if node.target in ("view", "reshape", torch.reshape):
        _view(network, node)
    elif node.target in _BY_RANK:
        axes = rank(network, node.all_input_nodes[0])
        become(network, node, partial(_BY_RANK[node.target], axes), node.args[1:], dict(node.kwargs))
    elif node.target in _SPLIT:
        _split(network, node)
    elif node.target is operator.getitem and isinstance(node.args[0], fx.Node):
        _index(network, node)


def _view(network: fx.GraphModule, node: fx.Node) -> None:
    """The batch axis comes first: as -1 or as the size that was asked for; all others are numbers."""
    given = node.args[1:] if node.args[1:] else node.kwargs.get("shape", ())
    wished: Any = given[0] if len(given) == 1 and isinstance(given[0], list | tuple) else given  # type: ignore[index,arg-type]
    sides = list(wished)[1:]
    if not sides or not all(type(side) is int for side in sides) or not _is_batch(wished[0], sides):
        return
    chain(network, node, node.all_input_nodes[0], [nn.Flatten() if sides == [-1] else layers.Reshape(tuple(sides))], node.name)


def _is_batch(side: Any, sides: list[int]) -> bool:
    return isinstance(side, fx.Node) or (side == -1 and -1 not in sides)


def _swapped(axes: int, dim0: int, dim1: int) -> nn.Module:
    dims = list(range(axes + 1))
    dims[dim0], dims[dim1] = dims[dim1], dims[dim0]
    return layers.Permute(tuple(dims))


def _padded(axes: int, pad: Any, mode: str = "constant", value: float | None = None) -> nn.Module:
    """torch names the last axis first, before and after; axes it does not name are not padded."""
    pads = [*pad, *[0] * (2 * axes - len(pad))]
    return layers.Pad(tuple(pads[-2::-2]), tuple(pads[::-2]), mode, value or 0.0)


_BY_RANK: dict[Any, Callable[..., nn.Module]] = {
    **dict.fromkeys(("transpose", torch.transpose, "swapaxes", torch.swapaxes), _swapped), F.pad: _padded,
}


def _split(network: fx.GraphModule, node: fx.Node) -> None:
    """Every part that is read becomes a Slice."""
    given: dict[str, Any] = dict(zip(("tensor", "sizes", "dim"), node.args, strict=False)) | dict(node.kwargs)
    sizes = next((given[key] for key in ("sizes", "split_size_or_sections", "split_size", "chunks") if key in given), None)
    source, dim = node.all_input_nodes[0], given.get("dim", 0)
    axis = dim if dim >= 0 else rank(network, source) + 1 + dim
    borders = _borders(network, source, axis, sizes, is_chunk=node.target in (torch.chunk, "chunk"))
    for part in list(node.users):
        place = part.args[1] if part.target is operator.getitem else None
        if borders is None or axis < 1 or type(place) is not int or not 0 <= place < len(borders) - 1:
            return
        chain(network, part, source, [layers.Slice(axis, borders[place], borders[place + 1])], part.name)


def _borders(network: fx.GraphModule, source: fx.Node, axis: int, sizes: Any, *, is_chunk: bool) -> list[int] | None:
    """Where the parts begin and end, counted along the axis; None where its length would have to be known and is not."""
    if isinstance(sizes, list | tuple):
        return [0, *itertools.accumulate(sizes)] if all(type(size) is int for size in sizes) else None
    length = channels(network, source) if axis == 1 else None
    if type(sizes) is not int or sizes < 1 or length is None:
        return None
    size = -(-length // sizes) if is_chunk else sizes
    return [*range(0, length, size), length]


def _index(network: fx.GraphModule, node: fx.Node) -> None:
    """x[:, a:b, ::2]: a Slice for every axis that is not taken whole."""
    source, index = node.args
    places = index if isinstance(index, tuple) else (index,)
    if not all(map(_is_plain, places)) or not places or places[0] != slice(None):
        return
    taken: list[tuple[int, Any]] = [(axis, place) for axis, place in enumerate(places) if place != slice(None)]
    made = [layers.Slice(axis, place.start or 0, place.stop, place.step or 1) for axis, place in taken]
    if made and isinstance(source, fx.Node):
        chain(network, node, source, list(made), node.name)


def _is_plain(place: Any) -> bool:
    """A slice between two numbers from the front."""
    return isinstance(place, slice) and all(
        each is None or (type(each) is int and each >= least)
        for each, least in ((place.start, 0), (place.stop, 0), (place.step, 1)))
