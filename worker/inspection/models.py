"""A file of a network becomes one of the house: opened, weighed, written again with its structure and its ONNX twin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import fx

from worker.dnn import cost, export, files
from worker.dnn.describe import describe
from worker.dnn.effort import affordable
from worker.dnn.export.parity import Parity
from worker.firstlook import WARNING
from worker.inspection import describing, fresh
from worker.inspection.opening import Opened, opened
from worker.inspection.order import ModelFound, Order
from worker.inspection.steps import Step

FILE, ONNX = "model.safetensors", "model.onnx"
MOST_ONNX_BYTES = 1_900_000_000


def inspect(order: Order, say: Step) -> ModelFound:
    """Open, check, write again. Unfit in one sentence; Unclear when its owner can mend it."""
    found = fresh.drawn(order, order.fresh, say) if order.fresh else _read(order, say)
    total = affordable(found.network, found.in_shape)
    say("weights", f"{total.params:,} parameters")
    is_finite = _note_odd_numbers(found)
    return _written(found, order, say, is_finite)


def _read(order: Order, say: Step) -> Opened:
    say("reading")
    return opened(order, say)


def _note_odd_numbers(found: Opened) -> bool:
    odd = list(_not_finite(found.network))
    if odd:
        count = sum(number for _, number in odd)
        found.notes.append(f"{WARNING} {count:,} of its weights are no finite numbers (first in {odd[0][0]}): its answers "
                           "may be none either, and it has no ONNX file.")
    return not odd


def _not_finite(network: fx.GraphModule) -> Iterator[tuple[str, int]]:
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point() and (count := int((~torch.isfinite(tensor)).sum())):
            yield name, count


def _written(found: Opened, order: Order, say: Step, is_finite: bool) -> ModelFound:
    say("writing")
    folder = Path(order.folder)
    files.save(found.network, folder / FILE, in_shape=found.in_shape, classes=found.classes, name=order.name[:200],
               trained=found.trained)
    exported = _exported(found, folder, say) if is_finite else None
    told = describe(found.network, found.in_shape, found.parity or exported)
    facts = cost.facts(found.network, found.in_shape, folder / FILE)
    return ModelFound(
        file=FILE, onnx=ONNX if exported else None, structure=describing.write(told, folder), in_shape=found.in_shape,
        classes=found.classes, architecture=found.architecture, facts=facts, notes=found.notes, parity=told.parity)


def _exported(found: Opened, folder: Path, say: Step) -> Parity | None:
    """The ONNX twin, its answers compared. A network that ONNX Runtime answers differently is kept, and that is said."""
    if (folder / FILE).stat().st_size > MOST_ONNX_BYTES:
        found.notes.append("It is too large for one ONNX file, so it has none.")
        return None
    say("parity", "ONNX Runtime against torch")
    try:
        return export.to_onnx(found.network, found.in_shape, folder / ONNX)
    except ValueError as error:
        found.notes.append(f"It has no ONNX file: {error}")
        return None
