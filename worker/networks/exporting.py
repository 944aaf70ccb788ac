"""A network written as ONNX, as safetensors, or in slices; told with its hash and its parity."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from worker.dnn.export import taken
from worker.inspection.command import step
from worker.inspection.opening import Opened
from worker.inspection.order import Order
from worker.networks.reading import as_loaded, in_words, read, written_to


def export(order: Order, to: str, out: Path, after: str, fold: bool) -> dict[str, Any]:
    with in_words(order):
        found = read(order)
        step("writing", to)
        with written_to(out if to == "slices" else out.parent):
            return _written(found, to, order.name, out, after, fold).told() | {"notes": found.notes}


def _written(found: Opened, to: str, name: str, out: Path, after: str, fold: bool) -> taken.Taken | taken.TakenSlices:
    if to == "slices":
        return taken.as_slices(found.network, found.in_shape, after, out)
    if to == "onnx":
        return taken.as_onnx(found.network, found.in_shape, out, fold=fold)
    return taken.as_safetensors(as_loaded(found, name), out)
