"""The layers of a network as rows that can be searched, sorted and put on pages; and how their numbers are written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from apps.catalog.models import shape_words
from worker.structure import Layer, Structure

__all__ = ["SORTS", "matches", "number_words", "op_words", "rows", "shape_words"]
GAP = "\u00a0"
SORTS = ("layer", "op", "params", "macs", "activation_bytes", "living_bytes")
STEPS = {True: ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1, "B")), False: ((1e12, "T"), (1e9, "G"), (1e6, "M"),
                                                                                       (1e3, "k"))}


def rows(structure: Structure, search: str = "", sort: str = "", down: bool = False) -> list[tuple[int, Layer]]:
    """Layers with their places in the network; in that order where nothing else is asked for."""
    found = [(place, layer) for place, layer in enumerate(structure.layers, 1) if not search or matches(layer, search)]
    if sort == "layer":
        found.sort(key=lambda row: natural(row[1].name), reverse=down)
    elif sort in SORTS:
        found.sort(key=lambda row: getattr(row[1], sort), reverse=down)
    return found


def matches(layer: Layer, search: str) -> bool:
    """Whether every word of the search is in its name or its kind."""
    text = f"{layer.name} {op_words(layer)}".casefold()
    return all(word in text for word in search.casefold().split())


def natural(name: str) -> list[str]:
    """`layer10` behind `layer9`."""
    parts, digits = [""], False
    for letter in name:
        if letter.isdecimal() != digits:
            parts.append("")
            digits = not digits
        parts[-1] += letter
    return [part.rjust(12, "0") if part.isdecimal() else part for part in parts]


def op_words(layer: Layer) -> str:
    """`Conv2d 3×3` and what makes it special; the kind alone for most."""
    arguments = layer.arguments
    words = [layer.op]
    if "kernel_size" in arguments:
        words.append(_sides(arguments["kernel_size"]))
    if _first(arguments.get("stride")) > 1 and arguments.get("stride") != arguments.get("kernel_size"):
        words.append(f"/{_first(arguments['stride'])}")
    groups = arguments.get("groups", 1)
    if isinstance(groups, int) and groups > 1:
        words.append("depthwise" if groups == arguments.get("in_channels") else f"in {groups} groups")
    return " ".join(words)


def _sides(value: Any) -> str:
    sides = value if isinstance(value, Sequence) and not isinstance(value, str) else [value, value]
    return shape_words(sides)


def _first(value: Any) -> int:
    first = value[0] if isinstance(value, list | tuple) and value else value
    return first if isinstance(first, int) else 0


def number_words(value: float, is_bytes: bool = False) -> str:
    """Three significant digits with their unit, as the pages write numbers."""
    for step, unit in STEPS[is_bytes]:
        if value >= step:
            return f"{_sig(value / step)}{GAP}{unit}"
    return f"{value:g}" if not is_bytes else f"0{GAP}B"


def _sig(value: float) -> str:
    places = max(0, 2 - math.floor(math.log10(value)))
    return f"{value:.{places}f}" if value != int(value) or value >= 1000 else f"{int(value)}"
