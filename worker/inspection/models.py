"""A file of a network: its description or its named architecture, its weights, its facts, its ONNX twin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import fx

from worker import firstlook
from worker.dnn import cost, export, files
from worker.dnn.ingest import fitting, weights
from worker.dnn.shapes import Shape
from worker.firstlook import Unfit
from worker.inspection.order import ModelFound, Order, Unclear
from worker.inspection.steps import Step

MOST_SHOWN = 20
FILE, ONNX = "model.safetensors", "model.onnx"
MOST_ONNX_BYTES = 1_900_000_000
CHOOSE = "The file holds {n} tensors and does not say which network they are of: choose its architecture."
ASK_SHAPE = "The weights do not tell how large the images are: say channels, height and width, for instance 3x32x32."
MOST_ACTIVATION_BYTES = 1_000_000_000


@dataclass
class Opened:
    network: fx.GraphModule
    in_shape: Shape
    classes: int
    trained: bool
    architecture: str = ""
    notes: list[str] = field(default_factory=list)


def inspect(order: Order, say: Step) -> ModelFound:
    """Open, check, write again. Unfit in one sentence; Unclear when its owner can mend it."""
    say("reading")
    path = Path(order.file)
    header = weights.header_of(path)
    describes_itself = header is not None and firstlook.NETWORK in header.get("__metadata__", {})
    opened = _described(path, order) if describes_itself else _fitted(path, order, say)
    total = _affordable(opened)
    say("weights", f"{total.params:,} parameters")
    is_finite = _note_odd_numbers(opened)
    return _written(opened, order, say, is_finite)


def _described(path: Path, order: Order) -> Opened:
    loaded = files.load(path)
    opened = Opened(loaded.network, loaded.in_shape, loaded.classes, loaded.trained)
    if order.architecture:
        opened.notes.append(f"The file describes its network itself; {order.architecture}, as chosen, was not needed.")
    _as_expected(order, "classes", "classes", loaded.classes)
    _as_expected(order, "in_shape", "images of", loaded.in_shape)
    return opened


def _as_expected(order: Order, name: Any, words: str, got: Any) -> None:
    """What the owner said (or the model that it shall be a variant of) against what the file says."""
    said = getattr(order, name)
    if said is not None and said != got:
        shown = ["x".join(map(str, each)) if isinstance(each, tuple) else str(each) for each in (got, said)]
        raise Unclear(f"The file is of a network for {words} {shown[0]}; {shown[1]} was asked for.", name)


def _fitted(path: Path, order: Order, say: Step) -> Opened:
    found = weights.read(path, order.unpacked_bytes)
    say("fitting", f"{len(found.tensors):,} tensors")
    if not order.architecture:
        raise Unclear(CHOOSE.format(n=f"{len(found.tensors):,}"), "architecture",
                      suited=fitting.suited(found.tensors, order.in_shape))
    classes, in_shape = _ends(order, found.tensors)
    try:
        odd = fitting.differences(order.architecture, found.tensors, classes, in_shape)
    except ValueError as error:
        raise Unclear(str(error), "in_shape") from error
    if odd:
        raise _misfit(order, found.tensors, odd)
    network = fitting.filled(order.architecture, found.tensors, classes, in_shape)
    return Opened(network, in_shape, classes, True, order.architecture, found.notes)


def _ends(order: Order, tensors: fitting.Tensors) -> tuple[int, Shape]:
    """Classes and image shape: as the weights say, else as the owner says; asked for when neither does."""
    found = fitting.ends(order.architecture, tensors)
    classes = found.classes or order.classes or 10
    if order.classes is not None and found.classes is not None and order.classes != found.classes:
        raise Unclear(f"The last layer of the weights tells {found.classes} classes apart; {order.classes} were asked for.",
                      "classes")
    if order.in_shape is None:
        raise Unclear(ASK_SHAPE, "in_shape", channels=found.channels)
    if found.channels is not None and found.channels != order.in_shape[0]:
        raise Unclear(f"The first layer of the weights takes {found.channels} channels; {order.in_shape[0]} were asked for.",
                      "in_shape", channels=found.channels)
    return classes, order.in_shape


def _misfit(order: Order, tensors: fitting.Tensors, odd: list[fitting.Difference]) -> Unclear:
    shown = [each._asdict() for each in odd[:MOST_SHOWN]]
    told = "1 tensor differs" if len(odd) == 1 else f"{len(odd):,} tensors differ"
    return Unclear(f"The weights are not those of {order.architecture}: {told}.", "architecture", differences=shown,
                   count=len(odd), suited=fitting.suited(tensors, order.in_shape))


def _affordable(opened: Opened) -> cost.Cost:
    """What it costs, before anything is computed: a small file can describe endless work."""
    try:
        total = cost.cost(opened.network, opened.in_shape)
    except ValueError as error:
        raise Unfit(f"The network does not take images of {'x'.join(map(str, opened.in_shape))}.") from error
    if total.activation_bytes > MOST_ACTIVATION_BYTES:
        raise Unfit(f"One image takes {total.activation_bytes:,} bytes inside the network; at most {MOST_ACTIVATION_BYTES:,} "
                    "are taken.")
    return total


def _note_odd_numbers(opened: Opened) -> bool:
    odd = list(_not_finite(opened.network))
    if odd:
        count = sum(number for _, number in odd)
        opened.notes.append(f"{count:,} of its weights are no finite numbers (first in {odd[0][0]}): its answers may be none "
                            "either, and it has no ONNX file.")
    return not odd


def _not_finite(network: fx.GraphModule) -> Iterator[tuple[str, int]]:
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point() and (count := int((~torch.isfinite(tensor)).sum())):
            yield name, count


def _written(opened: Opened, order: Order, say: Step, is_finite: bool) -> ModelFound:
    say("writing")
    folder = Path(order.folder)
    files.save(opened.network, folder / FILE, in_shape=opened.in_shape, classes=opened.classes, name=order.name[:200],
               trained=opened.trained)
    onnx = _exported(opened, folder, say) if is_finite else None
    facts = cost.facts(opened.network, opened.in_shape, folder / FILE)
    return ModelFound(file=FILE, onnx=onnx, in_shape=opened.in_shape, classes=opened.classes,
                      architecture=opened.architecture, facts=facts, notes=opened.notes)


def _exported(opened: Opened, folder: Path, say: Step) -> str | None:
    """The ONNX twin, its answers compared. A network that ONNX Runtime answers differently is kept, and that is said."""
    if (folder / FILE).stat().st_size > MOST_ONNX_BYTES:
        opened.notes.append("It is too large for one ONNX file, so it has none.")
        return None
    say("parity", "ONNX Runtime against torch")
    try:
        export.to_onnx(opened.network, opened.in_shape, folder / ONNX)
    except ValueError as error:
        opened.notes.append(f"It has no ONNX file: {error}")
        return None
    return ONNX

