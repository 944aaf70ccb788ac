"""The architectures of the house, by name; each family is one file."""

from __future__ import annotations

from torch import fx

from worker.dnn.architectures import lenet, resnet, vgg
from worker.dnn.architectures.plan import Plan, drawn
from worker.dnn.shapes import Shape

_FAMILIES = (lenet, vgg, resnet)
_MAKERS = {name: maker for family in _FAMILIES for name, maker in family.ARCHITECTURES.items()}


def names() -> list[str]:
    """The names that `build` takes."""
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
    if name not in _MAKERS:
        raise ValueError(f"There is no architecture {name!r}; there are {', '.join(names())}.")
    return drawn(_MAKERS[name], Plan(name, num_classes, tuple(in_shape), width), seed)
