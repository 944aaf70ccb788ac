"""A network as a chain of blocks: where it is parted, and what each block holds and hands on. Nothing here loads torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Literal

from worker.profiling.parts import Part
from worker.structure import FLOAT32_BYTES, Cut, Layer, Structure

Grain = Literal["blocks", "layers"]


def borders(known: Structure, grain: Grain = "blocks", most_tensors: int = 1) -> tuple[Cut, ...]:
    """The cuts between blocks, in the order in which the layers run.

    `layers`: every place that at most `most_tensors` results go across. `blocks` leaves out those behind whose layer comes one
    that alone reads it and gives as many numbers without multiplying (batch-norm, activation, dropout, a view): a cut there
    hands on as many bytes as the next one, and engines join such layers. One behind
    what is sent as int8 stays: there fewer bytes go.
    """
    cuts = [cut for cut in known.parted(most_tensors) if cut.after != known.answer]
    followed = _followed(known.layers) - known.whole_numbers if grain == "blocks" else frozenset[str]()
    return tuple(cut for cut in cuts if cut.after not in followed)


def parts(known: Structure, cuts: Sequence[Cut]) -> tuple[Part, ...]:
    """The blocks between these cuts, the last one with the network's answer."""
    across: Mapping[str, Cut] = {cut.after: cut for cut in cuts}
    found, layers = list[Part](), list[Layer]()
    for layer in known.layers:
        layers.append(layer)
        if layer.name in across:
            found.append(_part(layers, across[layer.name].bytes, len(across[layer.name].tensors)))
            layers = []
    return (*found, _part(layers, FLOAT32_BYTES * prod(known.out_shape), 1))


def _followed(layers: Sequence[Layer]) -> frozenset[str]:
    readers = Counter(name for layer in layers for name in layer.inputs)
    made = {layer.name: layer for layer in layers}
    return frozenset(name for layer in layers if len(layer.inputs) == 1 and not layer.macs
                     for name in layer.inputs
                     if name in made and readers[name] == 1 and prod(made[name].out_shape) == prod(layer.out_shape))


def _part(layers: Sequence[Layer], output_bytes: int, tensors: int) -> Part:
    kinds = Counter[str]()
    for layer, kind in _kinds(layers):
        kinds[kind] += layer.macs
    return Part(first=layers[0].name, last=layers[-1].name, output_bytes=output_bytes, kinds=dict(kinds),
                output_tensors=tensors, activation_bytes=max(layer.living_bytes for layer in layers),
                macs=sum(layer.macs for layer in layers), params_bytes=FLOAT32_BYTES * sum(layer.params for layer in layers))


def _kinds(layers: Sequence[Layer]) -> Iterator[tuple[Layer, str]]:
    for layer in layers:
        if layer.macs:
            yield layer, _kind(layer)


def _kind(layer: Layer) -> str:
    if layer.op.startswith("Conv"):
        groups = layer.arguments.get("groups", 1)
        return "depthwise" if groups > 1 and groups == layer.arguments.get("in_channels") else "conv"
    return layer.op.lower()
