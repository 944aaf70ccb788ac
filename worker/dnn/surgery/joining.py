"""How the channels of two results meet: added, multiplied, compared, joined."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import numpy as np
from torch import fx

from worker.dnn.surgery.streams import NONE, Sides, Stream, spelled
from worker.dnn.surgery.walk import Walk


def paired(walk: Walk, node: fx.Node, given: list[Stream]) -> Stream:
    """Equal axes are coupled one to one; an axis of one place that is spread over the other is not, but stays."""
    one, other = _alike(walk, *given)
    sides = _broadcast(walk, one.sides, other.sides)
    if not one.known or not other.known or one.axis != other.axis:
        return walk.lost(node, sides, one, other)
    if len(one.ids) == len(other.ids) and one.spread == other.spread:
        walk.pairs.append((one.ids, other.ids))
        return Stream(one.ids, one.axis, sides, one.spread, one.order if one.order == other.order else 0)
    narrow, wide = sorted((one, other), key=lambda stream: len(stream.ids))
    if len(narrow.ids) == 1 and not narrow.spread:
        walk.pin(node, narrow)
        return Stream(wide.ids, wide.axis, sides, wide.spread, wide.order)
    ids = spelled(narrow, narrow.ids, len(wide.ids))
    if ids is None or wide.spread or wide.order or narrow.order:
        return walk.lost(node, sides, one, other)
    walk.pairs.append((ids, wide.ids))
    return Stream(wide.ids, wide.axis, sides)


def _alike(walk: Walk, one: Stream, other: Stream) -> tuple[Stream, Stream]:
    """Both have as many axes, so the one of which it is not known has as many as the other."""
    if one.sides is None and other.sides is not None:
        return _as_long(walk, one, len(other.sides)), other
    if other.sides is None and one.sides is not None:
        return one, _as_long(walk, other, len(one.sides))
    return one, other


def _as_long(walk: Walk, stream: Stream, rank: int) -> Stream:
    return replace(stream, axis=rank - 1, sides=walk.sides(rank))


def _broadcast(walk: Walk, one: Sides | None, other: Sides | None) -> Sides | None:
    if one is None or other is None:
        return None
    if one == other:
        return one
    return tuple(_larger(walk, *pair) for pair in zip(one, other, strict=True))


def _larger(walk: Walk, one: int, other: int) -> int:
    """The size that comes of two; a symbol beside a number above 1 can be that number or 1."""
    if one == other or other == 1:
        return one
    return other if one == 1 else max(one, other) if max(one, other) > 1 else walk.side()


def joined(walk: Walk, node: fx.Node, given: list[Stream]) -> Stream:
    """Joined along the channels: one after the other; along another axis: coupled one to one."""
    axis, first = cast("int", node.kwargs["dim"]) - 1, given[0]
    if first.sides is None or any(stream.sides is None for stream in given):
        return walk.lost(node, None, *given)
    sides = (*first.sides[:axis], walk.side(), *first.sides[axis + 1 :])
    ranks = {len(stream.sides or ()) for stream in given}
    if not all(stream.known for stream in given) or len({stream.axis for stream in given}) > 1 or len(ranks) > 1:
        return walk.lost(node, sides, *given)
    if first.axis == axis and not any(stream.spread for stream in given):
        ids = np.concatenate([stream.ids for stream in given])
        return Stream(ids, axis, sides, "", walk.order() if any(stream.order for stream in given) else 0)
    if first.axis == axis or len({(len(stream.ids), stream.spread) for stream in given}) > 1:
        return walk.lost(node, sides, *given)
    walk.pairs += [(first.ids, stream.ids) for stream in given[1:]]
    orders = {stream.order for stream in given}
    return Stream(first.ids, first.axis, sides, first.spread, first.order if len(orders) == 1 else 0)


def multiplied(walk: Walk, node: fx.Node, given: list[Stream]) -> Stream:
    """Matrices times matrices are not followed."""
    rank = next((len(stream.sides) for stream in given if stream.sides is not None), None)
    walk.pin(node, *given)
    return Stream(NONE, 0, None if rank is None else walk.sides(rank))
