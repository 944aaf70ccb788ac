"""The architectures of the house, by name; each family is one file."""

from __future__ import annotations

from torch import Tensor, fx

from worker.dnn.architectures import (
    alexnet,
    convnext,
    densenet,
    efficientnet,
    elsewhere,
    googlenet,
    lenet,
    mobilenet,
    mobilenet_v3,
    resnet,
    resnext,
    shufflenet,
    squeezenet,
    vgg,
    yolo,
)
from worker.dnn.architectures.plan import Maker, Plan, drawn, outlined
from worker.dnn.shapes import Shape

_FAMILIES = (
    alexnet, convnext, densenet, efficientnet, googlenet, lenet, mobilenet, mobilenet_v3, resnet, resnext, shufflenet,
    squeezenet, vgg, yolo,
)
_FAMILY = {name: family for family in _FAMILIES for name in family.ARCHITECTURES}
_MAKERS: dict[str, Maker] = {name: maker for family in _FAMILIES for name, maker in family.ARCHITECTURES.items()}


def names() -> list[str]:
    """The names that `build` takes; `worker.architectures` lists them without torch."""
    return sorted(_MAKERS)


def build(
    name: str,
    num_classes: int = 10,
    in_shape: Shape = (3, 32, 32),
    width: float = 1.0,
    seed: int | None = None,
) -> fx.GraphModule:
    """A freshly initialised network in training mode; `width` scales its channels, a seed fixes its weights.

    Raises ValueError for an unknown name, and for an input that is too small for the architecture.
    """
    return drawn(_maker(name), Plan(name, num_classes, tuple(in_shape), width), seed)


def outline(
    name: str, num_classes: int = 10, in_shape: Shape = (3, 32, 32), width: float = 1.0
) -> fx.GraphModule:
    """The same network on torch's meta device: what it costs and what its tensors are called, without their memory."""
    return outlined(_maker(name), Plan(name, num_classes, tuple(in_shape), width))


def translated(name: str, tensors: dict[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """Tensors of this architecture out of somebody else's file under the house's names, and notes on what was done."""
    return elsewhere.translated(_FAMILY[name], tensors) if name in _FAMILY else (tensors, [])


def _maker(name: str) -> Maker:
    if name not in _MAKERS:
        raise ValueError(f"There is no architecture {name!r}; there are {', '.join(names())}.")
    return _MAKERS[name]
