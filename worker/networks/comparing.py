"""Two networks side by side, layer by layer."""

from __future__ import annotations

from collections.abc import Iterator

from worker.dnn.describe import describe
from worker.inspection.order import Order
from worker.networks.reading import in_words, read
from worker.structure import Difference, Layer, Row, Structure, Totals, difference

HEAD = ("layer", "change", "kind", "parameters", "MACs", "output")


def compare(one: Order, other: Order) -> Difference:
    return difference(_structure(one), _structure(other))


def _structure(order: Order) -> Structure:
    with in_words(order):
        found = read(order)
        return describe(found.network, found.in_shape)


def lines(found: Difference) -> Iterator[str]:
    """A table for people: only what differs is told twice."""
    rows = [HEAD, *(_cells(row) for row in found.rows)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    yield ""
    yield ", ".join(f"{count:,} {change}" for change, count in found.counts.items() if count)
    for name, totals in (("parameters", found.params), ("MACs", found.macs), ("activation bytes", found.activation_bytes)):
        yield f"{name}: {_totals(totals)}"


def _cells(row: Row) -> tuple[str, ...]:
    layers = [layer for layer in (row.one, row.other) if layer is not None]
    shown = [_told(layer) for layer in layers]
    return (row.name, row.change, *(" > ".join(dict.fromkeys(cell)) for cell in zip(*shown, strict=True)))


def _told(layer: Layer) -> tuple[str, ...]:
    return layer.op, f"{layer.params:,}", f"{layer.macs:,}", "x".join(map(str, layer.out_shape))


def _totals(totals: Totals) -> str:
    share = f" ({totals.after / totals.before - 1:+.1%})" if totals.before and totals.before != totals.after else ""
    return f"{totals.before:,} > {totals.after:,}{share}"
