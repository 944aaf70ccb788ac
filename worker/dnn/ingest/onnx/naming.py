"""Names of layers: the file's own where they look like torch's, made legal where they do not."""

from __future__ import annotations

import builtins
import keyword
import re

from worker.dnn.spec import RESERVED

LONGEST = 120
# torch's own, and what our writer and other people's call the tensors of a layer.
_TENSOR = re.compile(r"([A-Za-z_0-9]+(?:\.[A-Za-z_0-9]+)*)\.(?:weight|bias|running_mean|running_var|gamma|beta|weight_bias)")
_KEPT = RESERVED | frozenset(dir(builtins)) | frozenset(keyword.kwlist) | {
    "output", "inf", "nan", "torch", "device", "fx_pytree", "pytree"}


# Ends of a node's path that say only what its layer does, which the layer's own name says better.
_SAYS_NOTHING = frozenset({
    "conv", "convtranspose", "gemm", "matmul", "batchnormalization", "relu", "clip", "leakyrelu", "prelu", "elu", "hardswish",
    "hardsigmoid", "maxpool", "averagepool", "globalaveragepool", "globalmaxpool", "flatten", "dropout", "conv2d", "biasadd",
    "depthwise", "fusedbatchnormv3", "layernormalization", "groupnormalization", "instancenormalization", "softmax", "resize"})


class Names:
    """Gives every node of a network a name of its own that spec.py takes."""

    def __init__(self) -> None:
        self._flat: set[str] = set()
        self._full: set[str] = set()
        self._prefixes: set[str] = set()
        self._last: dict[str, int] = {}

    def layer(self, wish: str) -> str:
        return self._unique(".".join(_legal(part) for part in wish.split(".")[:12]) or "layer")

    def function(self, wish: str) -> str:
        name = _legal(wish.replace(".", "_"))
        return self._unique(name if name.isidentifier() else f"n{name}")  # It stands in the code that fx writes.

    def _unique(self, wish: str) -> str:
        wish = wish[:LONGEST].strip(".")
        if any(prefix in self._full for prefix in _prefixes(wish)):
            wish = flat(wish)  # No number at its end would bring it out of the layer that it lies in.
        name, number = wish, self._last.get(wish, 0)
        while self._is_taken(name):
            number += 1
            name = f"{wish}_{number}"
        self._last[wish] = number
        self._flat.add(name.replace(".", "_"))
        self._full.add(name)
        self._prefixes.update(_prefixes(name))
        return name

    def _is_taken(self, name: str) -> bool:
        lies_inside = any(prefix in self._full for prefix in _prefixes(name))
        return name.replace(".", "_") in self._flat or name in self._prefixes or lies_inside


def flat(wish: str) -> str:
    """A name without dots, for a node."""
    return _legal(wish.replace(".", "_"))


def _prefixes(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


def _legal(part: str) -> str:
    clean = re.sub(r"__+", "_", re.sub(r"[^A-Za-z0-9_]", "_", part)).strip("_")
    return f"{clean}_layer" if clean in _KEPT or not clean else clean


def of_tensor(name: str) -> str:
    """layer1.0.conv1 of layer1.0.conv1.weight; empty when the name says nothing."""
    found = _TENSOR.fullmatch(name)
    return found.group(1) if found else ""


def of_node(name: str, op: str) -> str:
    """/layer1/layer1.0/conv1/Conv is layer1.0.conv1, a/b/Conv2D is a.b; node_relu is relu."""
    parts = [part for part in name.removeprefix("node_").split("/") if part and part != "StatefulPartitionedCall"]
    if parts and re.fullmatch(rf"{re.escape(op)}(_\d+)?", parts[-1]):
        parts[-1] = parts[-1].lower()
    if len(parts) > 1 and re.sub(r"_\d+$", "", parts[-1]).lower() in _SAYS_NOTHING:
        parts.pop()
    kept: list[str] = []
    for part in parts:
        if kept and part.startswith(f"{kept[-1]}."):
            kept.pop()
        kept.append(part)
    return re.sub(r"[^A-Za-z0-9_.]", "_", ".".join(kept)) or op.lower()
