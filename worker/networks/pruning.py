"""Fewer channels by the size of their weights; told with what it costs before and after and why channels stayed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from torch import fx

from worker.dnn import cost
from worker.dnn.export import taken
from worker.dnn.files import Loaded
from worker.dnn.shapes import Shape
from worker.dnn.surgery import Shrunk
from worker.dnn.surgery.choosing import prune_channels
from worker.dnn.surgery.mixing import Mixing, widths
from worker.inspection.command import step
from worker.inspection.order import Order
from worker.networks.reading import as_loaded, in_words, read, written_to


def prune(order: Order, share: float, round_to: int, out: Path) -> dict[str, Any]:
    with in_words(order):
        found = read(order)
        step("choosing", f"{share:.0%} of the channels")
        small = prune_channels(found.network, share, round_to=round_to)
        step("writing")
        with written_to(out.parent):
            written = _written(replace(as_loaded(found, order.name), network=small.network), out)
        return written.told() | {
            "before": _costs(found.network, found.in_shape), "after": _costs(small.network, found.in_shape),
            "channels": _channels(found.network, small), "reasons": small.reasons, "notes": found.notes}


def _written(loaded: Loaded, out: Path) -> taken.Taken:
    if out.suffix.lower() == ".onnx":
        return taken.as_onnx(loaded.network, loaded.in_shape, out)
    return taken.as_safetensors(loaded, out)


def _costs(network: fx.GraphModule, in_shape: Shape) -> dict[str, int]:
    total = cost.cost(network, in_shape)
    return {"params": total.params, "macs": total.macs, "activation_bytes": total.activation_bytes}


def _channels(network: fx.GraphModule, small: Shrunk) -> dict[str, Any]:
    """Layer -> how many channels it had, and which of them it keeps."""
    before = {name: widths(cast("Mixing", network.get_submodule(name)))[0] for name in small.kept}
    return {name: {"before": before[name], "after": len(kept), "kept": kept.tolist()} for name, kept in small.kept.items()}
