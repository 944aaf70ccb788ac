"""A file of a network, opened: by its own description, as an ONNX model, or as the weights of a named architecture."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import fx

from worker import firstlook
from worker.dnn import architectures, files
from worker.dnn.export.parity import Parity
from worker.dnn.ingest import bundles, fitting, onnx, weights
from worker.dnn.shapes import Shape, output_shape
from worker.inspection.order import Order, Unclear
from worker.inspection.steps import Step

MOST_SHOWN = 200
CHOOSE = "The file holds {n} tensors and does not say which network they are of: choose its architecture{images}."
AND_IMAGES = ", and say how large its images are"
ASK_SHAPE = "The weights do not tell how large the images are: say channels, height and width, for instance 3x32x32."
NOT_NEEDED = "The file describes its network itself; {architecture}, as chosen, was not needed."


@dataclass
class Opened:
    """A network of the house, and what is to be said of how it came about; `parity` where its origin answered too."""

    network: fx.GraphModule
    in_shape: Shape
    classes: int
    trained: bool
    architecture: str = ""
    notes: list[str] = field(default_factory=list)
    parity: Parity | None = None


def opened(order: Order, say: Step) -> Opened:
    """The network of the file. Unfit in one sentence; Unclear when its owner can mend it."""
    path = Path(order.file)
    header = weights.header_of(path)
    if header is not None:
        describes_itself = firstlook.NETWORK in header.get("__metadata__", {})
        return _described(path, order) if describes_itself else _fitted(path, order, say)
    return _of_onnx(path, order, say) if bundles.is_onnx(path, order.unpacked_bytes) else _fitted(path, order, say)


def _described(path: Path, order: Order) -> Opened:
    loaded = files.load(path)
    found = Opened(loaded.network, loaded.in_shape, loaded.classes, loaded.trained)
    return _as_said(found, order)


def _as_said(found: Opened, order: Order) -> Opened:
    """What the file says against what its owner said, or what the model takes that it shall be a variant of."""
    if order.architecture:
        found.notes.append(NOT_NEEDED.format(architecture=order.architecture))
    _as_expected(order, "classes", "classes", found.classes)
    _as_expected(order, "in_shape", "images of", found.in_shape)
    return found


def _as_expected(order: Order, name: Any, words: str, got: Any) -> None:
    said = getattr(order, name)
    if said is not None and said != got:
        shown = ["x".join(map(str, each)) if isinstance(each, tuple) else str(each) for each in (got, said)]
        raise Unclear(f"The file is of a network for {words} {shown[0]}; {shown[1]} was asked for.", name, describes_itself=True)


def _of_onnx(path: Path, order: Order, say: Step) -> Opened:
    body = bundles.read(path, order.unpacked_bytes)
    say("graph", f"{len(body):,} bytes")
    try:
        read = onnx.read(body, order.in_shape)
    except onnx.SizeUnknown as open_:
        raise Unclear(str(open_), "in_shape", channels=open_.channels, describes_itself=True) from None
    answer = output_shape(read.network, read.in_shape)
    found = Opened(read.network, read.in_shape, answer[-1] if answer else 1, True, notes=list(read.notes), parity=read.parity)
    return _as_said(found, order)


def _fitted(path: Path, order: Order, say: Step) -> Opened:
    found = weights.read(path, order.unpacked_bytes)
    say("fitting", f"{len(found.tensors):,} tensors")
    if not order.architecture:
        raise _unnamed(order, found.tensors)
    classes, in_shape = _ends(order, found.tensors)
    try:
        odd = fitting.differences(order.architecture, found.tensors, classes, in_shape)
    except ValueError as error:
        raise Unclear(str(error), "in_shape") from error
    if odd:
        raise _misfit(order, found.tensors, odd)
    network = fitting.filled(order.architecture, found.tensors, classes, in_shape)
    notes = [*found.notes, *architectures.translated(order.architecture, found.tensors)[1]]
    return Opened(network, in_shape, classes, True, order.architecture, notes)


def _unnamed(order: Order, tensors: fitting.Tensors) -> Unclear:
    """Weights without an architecture; what they fit is proposed, else what they are named most like."""
    images = "" if order.in_shape else AND_IMAGES
    suited = fitting.suited(tensors, order.in_shape)
    return Unclear(CHOOSE.format(n=f"{len(tensors):,}", images=images), "architecture", suited=suited,
                   closest="" if suited else fitting.closest(tensors))


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
    shown = [each._asdict() for each in fitting.first(odd, MOST_SHOWN)]
    told = "1 tensor differs" if len(odd) == 1 else f"{len(odd):,} tensors differ"
    suited = fitting.suited(tensors, order.in_shape)
    closest = "" if suited else fitting.closest(tensors)
    return Unclear(f"The weights are not those of {order.architecture}: {told}.", "architecture", differences=shown,
                   count=len(odd), counts=dict(Counter(each.problem for each in odd)),
                   suited=suited, closest="" if closest == order.architecture else closest)
