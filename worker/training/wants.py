"""What each way of training needs of memory, rehearsed without any: for plans, and for the answer whether it will fit."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace

from torch import fx

from worker.dnn.shapes import Shape
from worker.dnn.spec import to_spec
from worker.dnn.units import Unit, Units, has_batch_norm
from worker.training.hardware import working
from worker.training.limits import Limits, Way
from worker.training.local import heads
from worker.training.local.heads import Head
from worker.training.local.learner import UnitLearner
from worker.training.local.plan import Want
from worker.training.memory.rehearsal import META, Rehearsed, outlined, rehearsed
from worker.training.settings import Settings
from worker.training.stepping import WholeLearner


def of_whole(network: fx.GraphModule, in_shape: Shape, settings: Settings, way: Way | None = None) -> Want:
    """A step of the whole network; `way` as in `Limits`."""

    def fresh() -> WholeLearner:
        return WholeLearner(working(outlined(network), META).train(), settings, Limits(way=way))

    return _want("a training step of the whole network", rehearsed(fresh, in_shape), has_batch_norm(network))


def of_units(parts: Units, kind: Head, settings: Settings) -> list[Want]:
    """A step of each unit with its exit."""
    return list(_of_units(parts, kind, settings))


def _of_units(parts: Units, kind: Head, settings: Settings) -> Iterator[Want]:
    exits, known = heads_of(parts, kind), dict[str, Want]()
    for unit, head in zip(parts.units, exits, strict=True):
        alike = _likeness(unit, head)
        if alike not in known:
            known[alike] = _of_unit(unit.name, unit.network, head, unit.in_shape, settings)
        yield replace(known[alike], name=unit.name)


def _likeness(unit: Unit, head: fx.GraphModule) -> str:
    """The same for units that need the same, whatever their layers are called; they are rehearsed once."""
    return json.dumps([unit.in_shape, *(_layers(piece) for piece in (unit.network, head))])


def _layers(piece: fx.GraphModule) -> list[object]:
    nodes = to_spec(piece)["nodes"]
    places = {node["name"]: place for place, node in enumerate(nodes)}
    return [[node["op"], node["kind"], node["arguments"], [places[each] for each in node["inputs"]]] for node in nodes]


def heads_of(parts: Units, kind: Head) -> list[fx.GraphModule]:
    """The exits, outlined: auxiliary heads, and the network's own behind the last unit."""
    taken = {name.partition(".")[0] for piece in _pieces(parts) for name, _ in piece.named_modules()}
    own = next(name for name in _names() if name not in taken)
    made = [heads.outline(kind, unit.out_shape, parts.classes, own) for unit in parts.units[:-1]]
    return [*made, parts.head.network]


def _pieces(parts: Units) -> Sequence[fx.GraphModule]:
    return [*(unit.network for unit in parts.units), parts.head.network]


def _names() -> Iterator[str]:
    yield "exit"
    number = 2
    while True:
        yield f"exit_{number}"
        number += 1


def _of_unit(name: str, network: fx.GraphModule, head: fx.GraphModule, in_shape: Shape, settings: Settings) -> Want:
    def fresh() -> UnitLearner:
        unit, own = outlined(network).train(), outlined(head).train()
        working(unit, META)
        working(own, META)
        return UnitLearner(unit, own, settings)

    return _want(name, rehearsed(fresh, in_shape), has_batch_norm(network) or has_batch_norm(head))


def _want(name: str, found: Rehearsed, norm: bool) -> Want:
    return Want(name, found.demand, found.resident_bytes, 2 if norm else 1)
