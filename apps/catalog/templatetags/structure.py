"""How layers and their changes are written on the pages about a network's structure."""

from __future__ import annotations

from typing import Any

from django import template

from apps.catalog.layers import op_words

register = template.Library()
GAP = "\u00a0"
CHANGES = {"removed": ("−", "removed"), "narrowed": ("◂", "narrowed"), "changed": ("~", "changed"), "widened": ("▸", "widened"),
           "added": ("+", "added"), "same": ("=", "same")}


@register.filter
def op(layer: Any) -> str:
    """`Conv2d 3×3 /2`."""
    return op_words(layer)


@register.filter
def share(part: float, whole: float) -> str:
    """`12 %`, and `<0.1 %` of what is not nothing."""
    if not whole:
        return ""
    of_hundred = 100 * part / whole
    if 0 < of_hundred < 0.1:
        return f"<0.1{GAP}%"
    return f"{of_hundred:.1f}{GAP}%" if of_hundred < 10 else f"{of_hundred:.0f}{GAP}%"


@register.filter
def change_sign(change: str) -> str:
    return CHANGES.get(change, ("", change))[0]


@register.filter
def pairs(row: Any) -> list[tuple[Any, Any]]:
    """Channels, parameters and MACs of a layer before and after; None where it is not there."""
    return [tuple(None if layer is None else getattr(layer, name) for layer in (row.one, row.other))  # type: ignore[misc]
            for name in ("channels", "params", "macs")]


@register.filter
def sums(kind: Any) -> list[tuple[int, int]]:
    """Parameters and MACs of a kind of layers, before and after."""
    return [kind.params, kind.macs]


@register.filter
def inverse(value: float) -> float:
    return 1 / value


@register.filter
def ratio(value: float) -> str:
    """`3.1×`, and `1.04×` where one digit would say that nothing changed; of still less how much of a hundred it is."""
    if value < 1.01:
        return f"{max(100 * (value - 1), 0.01):.1g}{GAP}%"
    return f"{value:.2f}×" if value < 1.1 else f"{value:.1f}×"
