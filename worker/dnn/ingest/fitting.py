"""Whether tensors are the weights of an architecture, for which images and how many classes, and where they differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, fx, nn

from worker.dnn import architectures
from worker.dnn.shapes import Shape
from worker.dnn.spec import layer_of, name_of

# Sizes of images that networks are usually made for; weights seldom tell theirs.
USUAL = (32, 224, 28, 8, 64, 96)
LARGE = 224
MOST_PART = 0.6
COUNTER = "num_batches_tracked"
Tensors = dict[str, Tensor]


class Difference(NamedTuple):
    """One tensor that does not fit: missing, unexpected, or of another shape."""

    tensor: str
    problem: str
    expected: str
    got: str


class Ends(NamedTuple):
    """What the first convolution and the last linear layer say; None where the file lacks them."""

    channels: int | None
    classes: int | None


def ends(name: str, tensors: Tensors) -> Ends:
    """Channels and classes that these tensors were made for, if they are this architecture's."""
    network, (tensors, _) = architectures.outline(name), architectures.translated(name, tensors)
    layers = [(name_of(node), layer_of(network, node)) for node in network.graph.nodes if node.op == "call_module"]
    weighted = [layer for layer, module in layers if isinstance(module, nn.Conv2d | nn.Linear)]
    first, last = (tensors.get(f"{layer}.weight") for layer in (weighted[0], weighted[-1]))
    return Ends(int(first.shape[1]) if first is not None and first.ndim == 4 else None,
                int(last.shape[0]) if last is not None and last.ndim >= 2 else None)


def differences(name: str, tensors: Tensors, classes: int, in_shape: Shape) -> list[Difference]:
    """Everything about the tensors that is not as the architecture has it; ValueError for images too small for it."""
    expected = architectures.outline(name, classes, in_shape).state_dict()
    return list(_differences(expected, architectures.translated(name, tensors)[0]))


def first(odd: list[Difference], most: int) -> list[Difference]:
    """At most so many, of every problem some: a hundred missing tensors must not hide the one of another shape."""
    by_problem = [[each for each in odd if each.problem == problem] for problem in ("shape", "missing", "unexpected")]
    ranked = sorted((place, number) for number, rows in enumerate(by_problem) for place in range(len(rows)))
    chosen = sorted((number, place) for place, number in ranked[:most])
    return [by_problem[number][place] for number, place in chosen]


def _differences(expected: Tensors, tensors: Tensors) -> Iterator[Difference]:
    for name, tensor in expected.items():
        if name not in tensors and not name.endswith(COUNTER):
            yield Difference(name, "missing", _shape(tensor), "")
        elif name in tensors and tensors[name].shape != tensor.shape:
            yield Difference(name, "shape", _shape(tensor), _shape(tensors[name]))
    for name, tensor in tensors.items():
        if name not in expected:
            yield Difference(name, "unexpected", "", _shape(tensor))


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "one number"


def filled(name: str, tensors: Tensors, classes: int, in_shape: Shape) -> fx.GraphModule:
    """The architecture with these tensors as its weights; they must fit."""
    network = architectures.outline(name, classes, in_shape)
    counters = {key: torch.zeros((), dtype=torch.int64) for key in network.state_dict() if key.endswith(COUNTER)}
    network.load_state_dict(counters | architectures.translated(name, tensors)[0], assign=True)
    return network.eval()


def suited(tensors: Tensors, in_shape: Shape | None) -> list[str]:
    """The architectures of the house that these tensors fit exactly."""
    sizes = [in_shape[1:]] if in_shape else [(side, side) for side in USUAL]
    return [name for name in architectures.names() if _suits(name, tensors, sizes)]


def closest(tensors: Tensors) -> str:
    """The architecture that shares most names of tensors with them, where that is the most part; else nothing."""
    shared = {name: _shared(name, tensors) for name in architectures.names()}
    best = max(shared, key=lambda name: shared[name])
    return best if shared[best] > MOST_PART else ""


def _shared(name: str, tensors: Tensors) -> float:
    """Names that both have, of those that one has."""
    mine, theirs = set(architectures.outline(name).state_dict()), set(architectures.translated(name, tensors)[0])
    return len(mine & theirs) / max(1, len(mine | theirs))


def _suits(name: str, tensors: Tensors, sizes: Sequence[tuple[int, ...]]) -> bool:
    found = ends(name, tensors)
    if found.channels is None or found.classes is None:
        return False
    for size in sizes:
        try:
            odd = differences(name, tensors, found.classes, (found.channels, *size))
        except ValueError:
            continue  # Too small for it.
        if not odd:
            return True
        if any(each.problem != "shape" for each in odd) and size[0] >= LARGE:
            return False  # Other tensors altogether: no size of the images will change that.
    return False
