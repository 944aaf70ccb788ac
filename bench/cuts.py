"""Places where one tensor goes across, in each architecture of the house, beside those that Scission's rule of edges finds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from worker.dnn import architectures
from worker.dnn.describe import describe
from worker.profiling.blocks import borders
from worker.structure import Layer, Structure

CLASSES, USUAL = 1000, (3, 224, 224)
OTHERS = {"lenet5": (10, (1, 28, 28)), "resnet20": (10, (3, 32, 32)), "resnet56": (10, (3, 32, 32))}
MOST = 2  # beside them: places with so many tensors, which a person may allow


def rows() -> Iterator[tuple[str, str]]:
    for name in architectures.names():
        known = described(name)
        ours, theirs = {cut.after for cut in borders(known, "layers")}, set(by_edges(known.layers))
        missed = "" if theirs <= ours else f"**MISSED** {len(theirs - ours)} of them are not among ours; "
        shape = "x".join(map(str, known.in_shape))
        yield (f"{name}, {len(known.layers)} layers, {shape}",
               f"{len(ours)}; by edges {len(theirs)} ({missed}goal: never fewer); where a block ends as the house measures it "
               f"{len(borders(known))}; with up to {MOST} tensors {len(borders(known, 'layers', MOST))}")


def described(name: str) -> Structure:
    classes, shape = OTHERS.get(name, (CLASSES, USUAL))
    return describe(architectures.outline(name, classes, shape), shape)


def by_edges(layers: Sequence[Layer]) -> list[str]:
    """Behind which layers Scission cuts: a counter goes up by a layer's consumers but one and down by its inputs but one.

    The place is valid where it is at 0. The last layer is always valid, and no cut.
    """
    consumers = Counter(name for layer in layers for name in layer.inputs)
    found, count = list[str](), 0
    for layer in layers[:-1]:
        count += max(0, consumers[layer.name] - 1) - max(0, len(layer.inputs) - 1)
        if count == 0:
            found.append(layer.name)
    return found
